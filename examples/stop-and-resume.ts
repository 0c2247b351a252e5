// Starts a task, leaves, and picks it up with another client: what a crash and a restart come to.
import assert from 'node:assert/strict';
import { AwaitClient } from 'mcp-await';

const server = { command: 'npx', args: ['mcp-await', 'serve'] };
const call = {
  name: 'initiate_background_task',
  arguments: { operation_type: 'sleep', parameters: { seconds: 2 } },
};

const first = await AwaitClient.connect(server);
const task = await first.startTool(call);
const saved = JSON.stringify(task.reference);
await first.close();
console.log(`left ${saved}`);

const second = await AwaitClient.connect(server);
const resumed = await second.resumeTask(JSON.parse(saved));
for await (const { status, progress } of resumed.updates()) console.log(status, progress?.progress ?? '');
const result = await resumed.result();
await second.close();

assert.deepEqual(result.structuredContent, { slept_seconds: 2 });
console.log(result.structuredContent);
