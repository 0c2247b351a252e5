import { AwaitClient } from 'mcp-await';

const client = await AwaitClient.connect({ command: 'npx', args: ['mcp-await', 'serve'] });
const result = await client.callTool({ name: 'sleep', arguments: { seconds: 3 } }, undefined, {
  onUpdate: ({ status, progress }) => console.error(status, progress?.progress ?? ''),
});
console.log(result.structuredContent);
await client.close();
