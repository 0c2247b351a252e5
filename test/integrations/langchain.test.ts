import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { createReactAgent, ToolNode } from '@langchain/langgraph/prebuilt';
import { loadMcpTools } from '@langchain/mcp-adapters';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { createAgent } from 'langchain';
import { describe, expect, it, vi } from 'vitest';
import { langchainTools, type ToolProgress } from '../../src/integrations/langchain.js';
import { agentServer } from '../fixtures/integrations/agent-server.js';

const ask = { messages: [new HumanMessage('A cake, please.')] };
const callOf = (name: string, args: Record<string, unknown> = {}, id = 'call-1') => ({ name, args, id });
const toolMessages = ({ messages }: { messages: BaseMessage[] }) =>
  messages.filter(message => ToolMessage.isInstance(message));

describe('the tools of a server in LangChain', () => {
  it('are described by the JSON Schema of the server, unchanged', async () => {
    const { client } = await agentServer();
    const { tools } = await client.sdkClient.listTools();
    const shown = await langchainTools(client);
    expect(shown.map(({ name }) => name)).toEqual([
      'initiate_background_task',
      'bake',
      'simmer',
      'burn',
      'forever',
      'echo',
    ]);
    const bake = tools.find(({ name }) => name === 'bake');
    expect(shown.find(({ name }) => name === 'bake')).toMatchObject({ schema: bake?.inputSchema });
  });

  it('give createAgent the final result in one call, the same as data, and no argument but its own', async () => {
    const { client, baked } = await agentServer();
    const model = fakeModel()
      .respondWithTools([callOf('bake', { layers: 2 })])
      .respond(new AIMessage('Enjoy it.'));
    const agent = createAgent({ model, tools: await langchainTools(client) });
    const state = await agent.invoke(ask);
    expect(model.callCount).toBe(2);
    expect(baked).toEqual([{ layers: 2 }]);
    const [message] = toolMessages(state);
    expect(message).toMatchObject({ status: 'success', tool_call_id: 'call-1' });
    expect(JSON.parse(String(message?.content))).toEqual({ cake: 'plain cake of 2 layers' });
    expect(message?.artifact).toMatchObject({ structuredContent: { cake: 'plain cake of 2 layers' } });
  });

  it('tell LangGraph’s stream how far they are', async () => {
    const { client, serve } = await agentServer();
    const model = fakeModel()
      .respondWithTools([callOf('simmer', { of: 'leek' })])
      .respond(new AIMessage('Enjoy it.'));
    const agent = createReactAgent({ llm: model, tools: await langchainTools(client) });
    const told: ToolProgress[] = [];
    for await (const chunk of await agent.stream(ask, { streamMode: 'custom' })) {
      told.push(chunk);
      if (chunk.total === 4) serve();
    }
    expect(told).toContainEqual({
      type: 'tool-progress',
      tool: 'simmer',
      toolCallId: 'call-1',
      status: 'working',
      progress: 1,
      total: 4,
      message: 'it simmers',
    });
  });

  it('give the model a failed task as an error with its code, and what it can do about it', async () => {
    const { client } = await agentServer();
    const model = fakeModel()
      .respondWithTools([callOf('burn')])
      .respond(new AIMessage('Sorry.'));
    const agent = createAgent({ model, tools: await langchainTools(client) });
    const [message] = toolMessages(await agent.invoke(ask));
    expect(message).toMatchObject({ status: 'error', tool_call_id: 'call-1' });
    expect(message?.content).toMatch(/OVEN_TOO_HOT: The oven is at 400 degrees\./);
    expect(message?.content).not.toMatch(/fix your mistakes/);
  });

  it('give the model a time-out of ours as what it is', async () => {
    const { client } = await agentServer({ deadlineMs: 3000 });
    const model = fakeModel()
      .respondWithTools([callOf('forever')])
      .respond(new AIMessage('Later.'));
    const agent = createReactAgent({ llm: model, tools: await langchainTools(client) });
    const [message] = toolMessages(await agent.invoke(ask));
    expect(message).toMatchObject({ status: 'error' });
    expect(message?.content).toMatch(/^AWAIT_TIMEOUT: Gave up on `forever` after 3 s/);
    expect(message?.content).not.toMatch(/fix your mistakes/);
    expect(message?.artifact).toMatchObject({
      structuredContent: { status: 'working', reference: { version: 1 } },
    });
  });

  it('end their wait with the signal of the run', async () => {
    const started = vi.fn();
    const { client } = await agentServer({ onEvent: ({ type }) => type === 'task-started' && started() });
    const model = fakeModel().respondWithTools([callOf('forever')]);
    const agent = createAgent({ model, tools: await langchainTools(client) });
    const controller = new AbortController();
    const running = agent.invoke(ask, { signal: controller.signal });
    const failed = expect(running).rejects.toThrow(/abort/i);
    await vi.waitFor(() => expect(started).toHaveBeenCalled(), { timeout: 20_000 });
    controller.abort();
    await failed;
  });

  it('make two tasks of two equal calls in one turn', async () => {
    const { client, baked } = await agentServer();
    const calls = [callOf('bake', { layers: 1 }, 'a'), callOf('bake', { layers: 1 }, 'b')];
    const model = fakeModel().respondWithTools(calls).respond(new AIMessage('Two cakes.'));
    const nodes = new ToolNode(await langchainTools(client));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('agent', async ({ messages }) => ({ messages: await model.invoke(messages) }))
      .addNode('tools', nodes)
      .addEdge('__start__', 'agent')
      .addEdge('agent', 'tools')
      .compile();
    const state = await graph.invoke(ask);
    expect(toolMessages(state).map(({ tool_call_id }) => tool_call_id)).toEqual(['a', 'b']);
    expect(baked).toHaveLength(2);
  });
});

describe('in a thread with a journal', () => {
  it('a tool call whose id comes again in a later step is another call', async () => {
    const { client, baked } = await agentServer({ journal: { file: ':memory:' } });
    const same = [callOf('bake', { layers: 1 })];
    const model = fakeModel()
      .respondWithTools(same)
      .respondWithTools(same)
      .respond(new AIMessage('Two cakes.'));
    const tools = await langchainTools(client);
    const agent = createAgent({ model, tools, checkpointer: new MemorySaver() });
    await agent.invoke(ask, { configurable: { thread_id: 'thread-1' } });
    expect(baked).toHaveLength(2);
  });
});

describe('an AwaitClient', () => {
  it('drops into @langchain/mcp-adapters: its tools then give final results', async () => {
    const { client, baked } = await agentServer();
    const tools = await loadMcpTools('bakery', client as unknown as Client);
    expect(tools.map(({ name }) => name)).not.toContain('resolve_task_status');
    const model = fakeModel()
      .respondWithTools([callOf('bake', { layers: 2 })])
      .respond(new AIMessage('Enjoy it.'));
    const [message] = toolMessages(await createAgent({ model, tools }).invoke(ask));
    expect(message).toMatchObject({ status: 'success' });
    expect(JSON.stringify(message?.content)).toContain('plain cake of 2 layers');
    expect(baked).toEqual([{ layers: 2 }]);
  });
});
