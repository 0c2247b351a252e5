// An agent loop of your own. The model calls the tool once and its next message has the final result: no polling.
import assert from 'node:assert/strict';
import { AwaitClient } from 'mcp-await';

/** Stands in for a language model: asks for the tool, then answers from what the tool returned. */
function scriptedModel(messages, tools) {
  const last = messages.at(-1);
  if (last?.role === 'tool')
    return { role: 'assistant', text: `The digest is ${JSON.parse(last.text).digest}.` };
  const name = tools.find(tool => tool.name === 'hash_tree')?.name ?? '';
  return { role: 'assistant', text: '', toolCall: { name, arguments: { path: 'src' } } };
}

const client = await AwaitClient.connect({ command: 'npx', args: ['mcp-await', 'serve'] });
const tools = await client.tools();
const messages = [{ role: 'user', text: 'What is the digest of the folder src?' }];

let toolCalls = 0;
let answer = scriptedModel(messages, tools);
for (; answer.toolCall !== undefined; answer = scriptedModel(messages, tools)) {
  toolCalls++;
  const asked = answer.toolCall;
  const tool = tools.find(({ name }) => name === asked.name);
  if (tool === undefined) throw new Error(`There is no tool ${asked.name}.`);
  // A tool that fails gives a result, too: the model reads why.
  const result = await tool.call(asked.arguments, {
    onUpdate: ({ status, progress }) => console.error(status, progress?.message ?? ''),
  });
  const [block] = result.content;
  const text = block?.type === 'text' ? block.text : '';
  messages.push(answer, { role: 'tool', text, isError: result.isError === true });
}
await client.close();

assert.equal(toolCalls, 1);
assert.match(answer.text, /^The digest is [0-9a-f]{64}\.$/);
console.log(answer.text);
