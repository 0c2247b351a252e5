import { AwaitClient } from 'mcp-await';

const client = await AwaitClient.connect({ command: 'node', args: ['bin/mcp-await.js', 'serve'] });
const call = {
  name: 'initiate_background_task',
  arguments: { operation_type: 'hash_tree', parameters: { path: 'src' } },
};
const result = await client.callTool(call, undefined, {
  onUpdate: ({ status, attempt }) => console.error(`${status} after ${attempt} status requests`),
});
console.log(result.structuredContent);
await client.close();
