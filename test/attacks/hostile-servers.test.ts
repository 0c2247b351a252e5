import { getEventListeners } from 'node:events';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import { explainConnectFailure } from '../../src/client/connect/connect-failure.js';
import type { ConnectionEvidence } from '../../src/client/connect/transport.js';
import { ReconnectingTransport } from '../../src/client/connection/reconnecting-transport.js';
import { RevisionTransport } from '../../src/client/revision-2026-07-28/revision-transport.js';
import { AwaitError } from '../../src/errors.js';
import { type Counts, HostileWire } from './hostile-wire.js';
import { conversations, type HostileServer, hostileServer } from './server-answers.js';

/** `npm run test:attacks` sets the mode; the ordinary tests run a short form. */
const isLong = process.env.RUN_MODE === 'attacks';
const serverCount = Number(process.env.ATTACK_SERVERS ?? (isLong ? 10_000 : 300));
const seed = Number(process.env.ATTACK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const DEADLINE_MS = 20_000;
/** Longer than any limit of the client's below. */
const PATIENCE_MS = 60_000;
const SETTLED_MS = 10_000;
const MAX_MESSAGE = 5000;
const MOST_MB = 400;
const INSIDE =
  /is not a function|Cannot (read|convert|set|destructure)|call stack|undefined \(|not iterable|\[object /;

const options = {
  deadlineMs: DEADLINE_MS,
  requestTimeoutMs: 2000,
  silenceTimeoutMs: 5000,
  requestRetries: 1,
  initialIntervalMs: 500,
};

/** Of the requests that are the SDK's own. */
const limit = { timeout: 2000 };

const rejections: unknown[] = [];
const noteRejection = (reason: unknown) => rejections.push(reason);

beforeEach(() => {
  vi.useFakeTimers();
  process.on('unhandledRejection', noteRejection);
});

afterEach(() => {
  process.off('unhandledRejection', noteRejection);
  vi.useRealTimers();
});

/** What came of a promise, whenever that is. */
async function settledWithin(
  promise: Promise<unknown>,
  limitMs: number,
): Promise<{ error?: unknown } | undefined> {
  let end: { error?: unknown } | undefined;
  promise.then(
    () => {
      end = {};
    },
    error => {
      end = { error };
    },
  );
  await vi.advanceTimersByTimeAsync(0);
  const until = Date.now() + limitMs;
  while (end === undefined && Date.now() < until) await vi.advanceTimersByTimeAsync(500);
  return end;
}

async function connect(server: HostileServer): Promise<AwaitClient> {
  const counts: Counts = new Map();
  const { revision } = conversations[server.conversation] ?? {};
  const discoverTimeoutMs = revision === '2026-07-28' ? 1000 : 0;
  const explain = (error: unknown, evidence: ConnectionEvidence) =>
    explainConnectFailure(error, { command: 'hostile' }, evidence, 3000);
  const transport = new ReconnectingTransport({
    open: async () => ({
      transport: new RevisionTransport(new HostileWire(server, counts), { discoverTimeoutMs }),
      evidence: () => ({ stderr: '', transportError: undefined }),
    }),
    explain,
    serverText: 'The server',
    reconnect: true,
    timeoutMs: 3000,
    restarts: { most: 5, withinMs: 60_000 },
  });
  const client = new Client(
    { name: 'fuzz', version: '1' },
    { capabilities: server.answersQuestions ? { elicitation: {} } : {} },
  );
  try {
    await client.connect(transport, { timeout: 3000 });
  } catch (error) {
    await client.close().catch(() => {});
    throw explain(error, transport.evidence());
  }
  return new AwaitClient(client, {
    ...options,
    longPollMs: server.longPollMs,
    ...(server.answersQuestions && {
      onInput: async () => ({ action: 'accept' as const, content: { it: 'x' } }),
    }),
  });
}

/** What the client does with the server, as separate promises. */
function uses(client: AwaitClient, server: HostileServer, signal: AbortSignal): readonly Promise<unknown>[] {
  const call = conversations[server.conversation]?.call ?? { name: 'none' };
  switch (server.use) {
    case 'call':
      return [client.callTool(call, undefined, { signal })];
    case 'abort':
      return [client.callTool(call, undefined, { signal, cancelOnAbort: true })];
    case 'cancel':
      return [
        client.startTool(call, { signal }).then(async task => {
          await task.cancel().catch(requireOurs);
          return task.result();
        }),
      ];
    case 'agent':
      return [
        client
          .tools()
          .then(tools => Promise.all(tools.slice(0, 3).map(tool => tool.call({ id: 'x' }, { signal })))),
      ];
    case 'rest':
      return [
        client.listTools(undefined, limit),
        client.explainTools(),
        client.listPrompts(undefined, limit),
        client.listResources(undefined, limit),
        client.readResource({ uri: 'a://b' }, limit),
        client.getPrompt({ name: 'b' }, limit),
        client.complete(
          { ref: { type: 'ref/prompt', name: 'b' }, argument: { name: 'c', value: '' } },
          limit,
        ),
        client.ping(limit),
      ];
  }
}

/** @throws where it is none of the errors that are promised, or says what is inside of us */
function requireOurs(error: unknown): void {
  if (!(error instanceof AwaitError || error instanceof McpError)) throw error;
  const { message } = error;
  if (error instanceof AwaitError && INSIDE.test(message))
    throw new Error(`It tells of our inside: ${message}`, { cause: error });
  if (error instanceof AwaitError) expect(message.length).toBeLessThan(MAX_MESSAGE);
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause)
    if (cause instanceof TypeError) throw cause;
}

async function attack(server: HostileServer): Promise<void> {
  const caller = new AbortController();
  const connecting = connect(server);
  const connected = await settledWithin(connecting, PATIENCE_MS);
  if (connected === undefined) throw new Error('Connecting does not settle');
  if (connected.error !== undefined) {
    requireOurs(connected.error);
  } else {
    const client = await connecting;
    const settling = Promise.allSettled(uses(client, server, caller.signal));
    if (server.use === 'abort') {
      await vi.advanceTimersByTimeAsync(700);
      caller.abort(new Error('enough'));
    }
    if ((await settledWithin(settling, PATIENCE_MS)) === undefined)
      throw new Error('The call does not settle');
    for (const end of await settling) if (end.status === 'rejected') requireOurs(end.reason);
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
    if ((await settledWithin(client.close(), SETTLED_MS)) === undefined)
      throw new Error('Closing does not settle');
  }
  await vi.advanceTimersByTimeAsync(SETTLED_MS);
  expect(vi.getTimerCount(), 'timers that are left').toBe(0);
  expect(Object.keys(Object.prototype)).toEqual([]);
  if (rejections.length > 0)
    throw new Error('A rejection is not handled', { cause: rejections.splice(0)[0] });
}

test(`whatever servers answer, a call ends in a result or an error of ours (ATTACK_SEED=${seed})`, async () => {
  const before = process.memoryUsage().rss;
  const property = fc.asyncProperty(hostileServer, attack);
  await fc.assert(property, { seed, numRuns: serverCount, endOnFailure: true });
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(MOST_MB);
}, 1_800_000);
