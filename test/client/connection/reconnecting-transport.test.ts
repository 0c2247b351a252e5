import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ListRootsRequestSchema,
  ListToolsRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import {
  ReconnectingTransport,
  type ReconnectingTransportOptions,
} from '../../../src/client/connection/reconnecting-transport.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import { RevisionTransport } from '../../../src/client/revision-2026-07-28/revision-transport.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';

interface World extends Partial<ReconnectingTransportOptions> {
  /** How a tool call is answered. */
  readonly answer?: () => Promise<object>;
  readonly definitions?: readonly object[];
}

/** A client on a lasting transport, and the servers that it has been connected to, the last one first. */
async function world({ answer = async () => ({ content: [] }), definitions = [], ...options }: World = {}) {
  const servers: Server[] = [];
  const greetings: unknown[] = [];
  const state = { isAway: false, calls: 0 };
  const transport = new ReconnectingTransport({
    async open() {
      if (state.isAway) throw new Error('nobody there');
      const server = new Server(
        { name: 'mortal', version: '1' },
        { capabilities: { tools: {}, logging: {} } },
      );
      server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: definitions as never }));
      server.setRequestHandler(CallToolRequestSchema, () => {
        state.calls += 1;
        return answer();
      });
      const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
      await server.connect(serverSide);
      const deliver = serverSide.onmessage;
      serverSide.onmessage = (message, extra) => {
        if ('method' in message && message.method === 'initialize') greetings.push(message.params);
        deliver?.(message, extra);
      };
      servers.unshift(server);
      return {
        transport: new RevisionTransport(clientSide, { discoverTimeoutMs: 0 }),
        evidence: () => ({ stderr: 'its last words', transportError: undefined }),
      };
    },
    explain: error => new Error('It is away.', { cause: error }),
    serverText: 'The server',
    reconnect: true,
    timeoutMs: 5000,
    ...options,
  });
  const sdkClient = new Client({ name: 'lasting', version: '2' }, { capabilities: { roots: {} } });
  await sdkClient.connect(transport);
  const events: AwaitEvent[] = [];
  const client = new AwaitClient(sdkClient, { onEvent: event => events.push(event) });
  return { client, transport, servers, greetings, state, events, kill: () => servers[0]?.close() };
}

const never = () => new Promise<never>(() => {});

test('a server that ends is connected to again at the next request, in the words of the client', async () => {
  const { client, greetings, kill, events, servers } = await world();
  await kill();
  await client.ping();
  expect(servers).toHaveLength(2);
  expect(greetings[1]).toEqual(greetings[0]);
  expect(greetings[1]).toMatchObject({ clientInfo: { name: 'lasting' }, capabilities: { roots: {} } });
  expect(events).toEqual([
    {
      type: 'connection-lost',
      cause: expect.objectContaining({ message: 'The server has ended the connection' }),
    },
    expect.objectContaining({ type: 'connection-restored', newSession: true, lostForMs: expect.any(Number) }),
  ]);
  await client.close();
});

test('handlers that the user has set, and the client’s own members, carry over; `onclose` tells only the end', async () => {
  const { client, servers, kill } = await world();
  const [heard, onclose] = [vi.fn(), vi.fn()];
  client.setNotificationHandler(LoggingMessageNotificationSchema, heard);
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///here' }] }));
  client.onclose = onclose;
  await kill();
  await client.ping();
  await servers[0]?.sendLoggingMessage({ level: 'error', data: 'look' });
  expect(await servers[0]?.listRoots()).toEqual({ roots: [{ uri: 'file:///here' }] });
  await vi.waitFor(() => expect(heard).toHaveBeenCalledOnce());
  expect(client.getServerVersion()).toMatchObject({ name: 'mortal' });
  expect(onclose).not.toHaveBeenCalled();
  await client.close();
  expect(onclose).toHaveBeenCalledOnce();
});

test('the tools are listed again, because another version may have come', async () => {
  const definitions: object[] = [];
  const { client, kill } = await world({ definitions });
  expect(await client.explainTools()).toEqual([]);
  definitions.push({ name: 'fresh', inputSchema: { type: 'object' } });
  await kill();
  await client.ping();
  expect(await client.explainTools()).toMatchObject([{ tool: 'fresh' }]);
  await client.close();
});

test.each([
  [{ idempotentHint: true, destructiveHint: true }, 2],
  [{ readOnlyHint: true }, 2],
  [{}, 1],
])('a call that was under way is sent again where the tool is marked so: %j', async (annotations, calls) => {
  const answers = [never, async () => ({ content: [{ type: 'text', text: 'second' }] })];
  const { client, kill, state } = await world({
    answer: () => (answers.shift() as () => Promise<object>)(),
    definitions: [{ name: 'tool', inputSchema: { type: 'object' }, annotations }],
  });
  const ended = client.callTool({ name: 'tool' }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(state.calls).toBe(1));
  await kill();
  const outcome = await ended;
  if (calls === 2) expect(outcome).toMatchObject({ content: [{ text: 'second' }] });
  else
    expect(outcome).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: expect.stringMatching(
        /contact was lost before the answer \(The server has ended the connection\)/,
      ),
    });
  expect(state.calls).toBe(calls);
  await client.close();
});

test('any call that was not sent is, once the server is there again', async () => {
  const { client, kill, state } = await world();
  await client.explainTools();
  await kill();
  state.isAway = true;
  const call = client.callTool({ name: 'tool' });
  await new Promise(resolve => setTimeout(resolve, 50));
  state.isAway = false;
  expect(await call).toEqual({ content: [] });
  expect(state.calls).toBe(1);
  await client.close();
});

test('many requests share one attempt', async () => {
  const { client, kill, servers } = await world();
  await kill();
  await Promise.all(Array.from({ length: 20 }, () => client.ping()));
  expect(servers).toHaveLength(2);
  await client.close();
});

test('a request that is taken back before there is a connection is never sent', async () => {
  const { client, kill, state } = await world();
  await client.explainTools();
  await kill();
  state.isAway = true;
  await client.ping().catch(() => {});
  const controller = new AbortController();
  const call = failureOf(client.callTool({ name: 'tool' }, undefined, { signal: controller.signal }));
  const direct = failureOf(
    client.request({ method: 'tools/call', params: { name: 'tool' } }, CallToolRequestSchema, controller),
  );
  controller.abort();
  state.isAway = false;
  expect(await call).toMatchObject({ code: 'ABORTED' });
  await direct;
  await client.ping();
  expect(state.calls).toBe(0);
  await client.close();
});

test('a server that always ends is not started for ever, and its last words are told', async () => {
  const { client, kill } = await world({ restarts: { most: 2, withinMs: 60_000 } });
  for (let restart = 0; restart < 2; restart++) {
    await kill();
    await client.ping();
  }
  await kill();
  const error = await failureOf(client.listTools());
  expect(error).toMatchObject({ code: 'SERVER_UNAVAILABLE' });
  expect(error.message).toMatch(/started again 2 times within 1 m and has ended again.*its last words/s);
  await client.close();
});

test('with `reconnect: false` the end of the server is the end of the client', async () => {
  const { client, kill, servers, events } = await world({ reconnect: false });
  const onclose = vi.fn();
  client.onclose = onclose;
  await kill();
  await vi.waitFor(() => expect(onclose).toHaveBeenCalledOnce());
  expect(await failureOf(client.ping())).toMatchObject({ message: 'Not connected' });
  expect(servers).toHaveLength(1);
  expect(events).toEqual([]);
});

test('close() ends the search for a connection at once', async () => {
  const { client, kill, state } = await world();
  await kill();
  state.isAway = true;
  await client.ping().catch(() => {});
  const request = failureOf(client.ping());
  const closedAt = performance.now();
  await client.close();
  expect(performance.now() - closedAt).toBeLessThan(100);
  expect(await request).toBeInstanceOf(Error);
});
