// A graph with a long tool, a fast tool and ten long tools at once, and their progress. `npm install @langchain/langgraph`
import assert from 'node:assert/strict';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { AwaitClient } from 'mcp-await';
import { langchainTools } from 'mcp-await/langchain';

/** Stands in for a chat model: a long job, then a fast one, then ten long ones in one turn. */
const turns = [
  [{ name: 'sleep', args: { seconds: 3 } }],
  [{ name: 'hash_tree', args: { path: 'package.json' } }],
  Array.from({ length: 10 }, (_, index) => ({ name: 'sleep', args: { seconds: 2 + index / 10 } })),
];
function scriptedModel(messages) {
  const turn = messages.filter(AIMessage.isInstance).length;
  const calls = turns[turn]?.map((call, index) => ({
    ...call,
    id: `call-${turn}-${index}`,
    type: 'tool_call',
  }));
  return new AIMessage(calls === undefined ? 'All done.' : { content: '', tool_calls: calls });
}

const client = await AwaitClient.connect({ command: 'npx', args: ['mcp-await', 'serve'] });
const graph = new StateGraph(MessagesAnnotation)
  .addNode('agent', ({ messages }) => ({ messages: scriptedModel(messages) }))
  .addNode('tools', new ToolNode(await langchainTools(client)))
  .addEdge(START, 'agent')
  .addConditionalEdges('agent', toolsCondition, ['tools', END])
  .addEdge('tools', 'agent')
  .compile();

const toldOf = new Set();
let messages = [];
const input = { messages: [new HumanMessage('Do all the jobs.')] };
for await (const [mode, chunk] of await graph.stream(input, { streamMode: ['custom', 'values'] })) {
  if (mode === 'values') messages = chunk.messages;
  else if (chunk.progress !== undefined) {
    toldOf.add(chunk.toolCallId);
    console.error(`${chunk.toolCallId}: ${chunk.tool} ${chunk.progress} of ${chunk.total} s`);
  }
}
await client.close();

const results = messages.filter(ToolMessage.isInstance);
assert.equal(results.length, 12);
assert.ok(results.every(({ status }) => status === 'success'));
assert.equal(results.at(-1)?.content, '{"slept_seconds":2.9}');
assert.ok(toldOf.has('call-0-0'), 'the long job told how far it was');
assert.equal(messages.filter(AIMessage.isInstance).length, 4);
console.log(`${results.length} jobs, ${messages.at(-1)?.content}`);
