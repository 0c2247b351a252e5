// What a program does that uses the library: lists the tools of a server and calls each, as the scenario says or with any
// arguments that fit.
import { AwaitClient } from '../../dist/index.js';

/** @returns what went wrong in the calls */
export async function callEveryTool({ url, context }) {
  const client = await AwaitClient.connect(url, {
    capabilities: { elicitation: { form: { applyDefaults: true } } },
    onInput: () => ({ action: 'accept', content: {} }),
  });
  const failures = [];
  try {
    const { tools } = await client.listTools();
    const calls =
      context.toolCalls ?? tools.map(({ name, inputSchema }) => ({ name, arguments: fitting(inputSchema) }));
    for (const call of calls) {
      // Some scenarios end a call with an error on purpose: what the server saw decides.
      await client.callTool(call).catch(error => failures.push(`${call.name}: ${error.message}`));
    }
  } finally {
    await client.close();
  }
  return failures.join('\n');
}

function fitting({ properties = {} }) {
  const values = { number: 1, integer: 1, boolean: true, array: [], object: {}, string: 'text' };
  return Object.fromEntries(
    Object.entries(properties).map(([name, { type }]) => [name, values[type] ?? null]),
  );
}
