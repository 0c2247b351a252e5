// What a program does that uses the library: lists the tools of a server and calls each, as the scenario says or with any
// arguments that fit. The conformance suite appends the server's URL.
import { AwaitClient } from '../../dist/index.js';

const url = process.argv.at(-1);
const { toolCalls } = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');

const client = await AwaitClient.connect(url, {
  capabilities: { elicitation: { form: { applyDefaults: true } } },
  onInput: () => ({ action: 'accept', content: {} }),
});
try {
  const { tools } = await client.listTools();
  const calls =
    toolCalls ?? tools.map(({ name, inputSchema }) => ({ name, arguments: fitting(inputSchema) }));
  for (const call of calls) {
    // Some scenarios end a call with an error on purpose: what the server saw decides.
    await client.callTool(call).catch(error => process.stderr.write(`${call.name}: ${error.message}\n`));
  }
} finally {
  await client.close();
}

function fitting({ properties = {} }) {
  const values = { number: 1, integer: 1, boolean: true, array: [], object: {}, string: 'text' };
  return Object.fromEntries(
    Object.entries(properties).map(([name, { type }]) => [name, values[type] ?? null]),
  );
}
