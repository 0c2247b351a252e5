// An agent loop of your own. The model calls the tool once and its next message has the final result: no polling.
import assert from 'node:assert/strict';
import { AwaitClient } from 'mcp-await';

/** Stands in for a language model: asks for the tool, then answers from what the tool returned. */
function scriptedModel(messages, tools) {
  const last = messages.at(-1);
  if (last.role === 'tool')
    return { role: 'assistant', text: `The digest is ${JSON.parse(last.text).digest}.` };
  const { name } = tools.find(tool => tool.name === 'hash_tree');
  return { role: 'assistant', toolCall: { name, arguments: { path: 'src' } } };
}

const client = await AwaitClient.connect({ command: 'node', args: ['bin/mcp-await.js', 'serve'] });
const tools = await client.tools();
const messages = [{ role: 'user', text: 'What is the digest of the folder src?' }];

let answer = scriptedModel(messages, tools);
let toolCalls = 0;
while (answer.toolCall !== undefined) {
  toolCalls++;
  const tool = tools.find(({ name }) => name === answer.toolCall.name);
  // A tool that fails gives a result, too: the model reads why.
  const result = await tool.call(answer.toolCall.arguments, {
    onUpdate: ({ status, progress }) => console.error(status, progress?.message ?? ''),
  });
  messages.push(answer, { role: 'tool', text: result.content[0].text, isError: result.isError === true });
  answer = scriptedModel(messages, tools);
}
await client.close();

assert.equal(toolCalls, 1);
assert.match(answer.text, /^The digest is [0-9a-f]{64}\.$/);
console.log(answer.text);
