import { AwaitClient } from 'mcp-await';

const client = await AwaitClient.connect({ command: 'node', args: ['bin/mcp-await.js', 'serve'] });
const result = await client.callTool({ name: 'hash_tree', arguments: { path: 'src' } }, undefined, {
  onUpdate: ({ status, attempt }) => console.error(`${status} after ${attempt} status requests`),
});
console.log(result.structuredContent);
await client.close();
