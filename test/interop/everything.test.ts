import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import type { InputQuestion } from '../../src/client/input/input-handler.js';
import type { Snapshot } from '../../src/types.js';
import { everythingOnHttp, everythingOnStdio } from './everything.js';

const call = (ambiguous: boolean) => ({
  name: 'simulate-research-query',
  arguments: { topic: 'python', ambiguous },
});

describe.each([
  ['standard streams', everythingOnStdio],
  ['Streamable HTTP', everythingOnHttp],
])('server-everything over %s', (_name, open) => {
  test('runs its task-only tool to its result', async () => {
    await using client = await connected(await open());
    const updates: Snapshot[] = [];
    const result = await client.callTool(call(false), undefined, {
      onUpdate: update => updates.push(update),
    });
    expect(result.content).toMatchObject([{ text: expect.stringContaining('# Research Report: python\n') }]);
    expect(updates.at(-1)?.status).toBe('completed');
    expect(updates.map(update => update.message)).toContain('Gathering sources...');
    expect(await protocolOf(client)).toBe('tasks-2025-11-25');
  });

  test('asks through `onInput`, and goes on with the answer', async () => {
    const questions: InputQuestion[] = [];
    await using client = await connected(await open(), {
      onInput: question => {
        questions.push(question);
        return { action: 'accept', content: { interpretation: 'snake' } };
      },
    });
    const statuses: string[] = [];
    const task = await client.startTool(call(true), { onUpdate: update => statuses.push(update.status) });
    const result = await task.result();
    expect(result.content).toMatchObject([{ text: expect.stringContaining('python (snake)') }]);
    expect(questions).toMatchObject([
      {
        method: 'elicitation/create',
        params: { message: expect.stringContaining('multiple interpretations') },
        tool: 'simulate-research-query',
        reference: task.reference,
      },
    ]);
    expect(statuses).toContain('input_required');
  });

  test("leaves the question to a handler of the user's own", async () => {
    await using client = await connected(await open(), { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: 'accept',
      content: { interpretation: 'comedy' },
    }));
    const result = await client.callTool(call(true));
    expect(result.content).toMatchObject([{ text: expect.stringContaining('python (comedy)') }]);
  });

  test('cancels its task', async () => {
    await using client = await connected(await open());
    const task = await client.startTool(call(false));
    await task.cancel();
    await expect(task.result()).resolves.toMatchObject({
      isError: true,
      structuredContent: { status: 'cancelled', error: { code: 'CANCELLED' } },
    });
    await task.cancel();
  });

  test('does not know the task of another session', async () => {
    await using client = await connected(await open());
    const task = await client.resumeTask({
      version: 1,
      protocol: 'tasks-2025-11-25',
      tool: 'simulate-research-query',
      handle: { taskId: 'nobody-knows' },
      startedAt: new Date().toISOString(),
    });
    await expect(task.result()).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });
});

async function connected(...parameters: Parameters<typeof AwaitClient.connect>) {
  const client = await AwaitClient.connect(...parameters);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

async function protocolOf(client: AwaitClient) {
  const tools = await client.explainTools();
  return tools.find(({ tool }) => tool === 'simulate-research-query')?.protocol;
}
