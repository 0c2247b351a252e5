import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { MAX_SUBSCRIPTIONS } from '../../src/server/http/revision-endpoint.js';
import { defineOperation, startServer } from '../../src/server/index.js';
import { requestOf } from '../server/revision-2026-07-28/modern-requests.js';
import { type HostileRequest, hostileRequest } from './client-requests.js';

const BOB = 'bob-has-a-long-token';
const ALICE = 'alice-has-a-long-token';

/** `npm run test:attacks` sets the mode; the ordinary tests run a short form. */
const isLong = process.env.RUN_MODE === 'attacks';
const requestCount = Number(process.env.ATTACK_REQUESTS ?? (isLong ? 10_000 : 400));
const seed = Number(process.env.ATTACK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const AT_ONCE = 20;
/** Longer than any call is held. */
const PATIENCE_MS = 25_000;
const MOST_MB = 400;
const CLIENTS_OWN =
  /^Error: (Not Acceptable|Parse error|Unsupported Media Type|Bad Request|Invalid Request|Conflict|Method not allowed|Session not found|Invalid event ID)/;

async function start(http: { readonly maxSessions?: number } = {}) {
  const errors: unknown[] = [];
  const server = await startServer({
    store: 'memory:',
    operations: [
      defineOperation({
        name: 'work',
        description: 'Works.',
        input: z.object({}),
        run: async () => ({ done: true }),
      }),
      defineOperation({
        name: 'hold',
        description: 'Works until it is told to stop.',
        input: z.object({}),
        run: (_, { signal }) =>
          new Promise<null>(resolve => signal.addEventListener('abort', () => resolve(null))),
      }),
    ],
    http: { ...http, port: 0, tokens: [`bob=${BOB}`, `alice=${ALICE}`] },
    onError: error => errors.push(error),
  });
  onTestFinished(() => server.close());
  const url = server.url ?? '';
  const send = (token: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') =>
    fetch(url, {
      method,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  const modern = (token: string, method: string, params: object, name?: string) =>
    send(token, requestOf(method, params), {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': name }),
    });
  const openSession = async (token: string) => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    };
    const opened = await send(token, { jsonrpc: '2.0', id: 0, method: 'initialize', params });
    await opened.text();
    return { status: opened.status, id: opened.headers.get('mcp-session-id') ?? '' };
  };
  return { send, modern, openSession, errors };
}

test(`whatever clients send is answered, and disturbs nobody (ATTACK_SEED=${seed})`, async () => {
  const { send, openSession, modern, errors } = await start();
  let session = await openSession(BOB);
  const before = process.memoryUsage().rss;

  async function attack({ httpMethod, headers, body }: HostileRequest): Promise<void> {
    const own = headers['mcp-session-id'] === 'own' ? { ...headers, 'mcp-session-id': session.id } : headers;
    const sent = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== 'none'));
    const response = await send(BOB, body, sent, httpMethod);
    expect(response.status, body).not.toBe(500);
    if (response.status === 404) session = await openSession(BOB);
    const isOpenEnded = /tasks\/result|subscriptions\/listen/.test(body);
    const text = isOpenEnded ? '' : await response.text();
    if (isOpenEnded) await response.body?.cancel().catch(() => {});
    expect(text, body).not.toMatch(/call stack|node_modules|\.js:\d|ZodError/);
  }

  const requests = fc.sample(hostileRequest, { numRuns: requestCount, seed });
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = requests.pop(); next !== undefined; next = requests.pop()) await attack(next);
    }),
  );
  const answer = await modern(ALICE, 'tools/call', { name: 'work', arguments: {} }, 'work');
  expect(await answer.json()).toMatchObject({ result: { resultType: 'task' } });
  // The SDK's transport reports to the operator, too, what it has told the client.
  expect(errors.map(String).filter(each => !CLIENTS_OWN.test(each))).toEqual([]);
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(MOST_MB);
}, 600_000);

test('one caller that opens all sessions takes them from nobody', async () => {
  const { openSession } = await start({ maxSessions: 20 });
  const opened = await Promise.all(Array.from({ length: 30 }, () => openSession(BOB)));
  expect(opened.filter(({ status }) => status === 200)).toHaveLength(20);
  expect(opened.filter(({ status }) => status === 429)).toHaveLength(10);
  expect(await openSession(ALICE)).toMatchObject({ status: 200 });
});

test('one caller that opens all subscriptions takes them from nobody', async () => {
  const { modern } = await start();
  const listen = async (token: string) => {
    const answer = await modern(token, 'tools/call', { name: 'hold', arguments: {} }, 'hold');
    const { taskId } = ((await answer.json()) as { result: { taskId: string } }).result;
    return (count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          modern(token, 'subscriptions/listen', { notifications: { taskIds: [taskId] } }),
        ),
      );
  };
  const listenAsBob = await listen(BOB);
  const [first] = await listenAsBob(1);
  // A stream that nobody holds would be closed by the garbage collector.
  const streams: Response[] = [];
  while (streams.length + 1 < MAX_SUBSCRIPTIONS) streams.push(...(await listenAsBob(111)));
  expect((await listenAsBob(1)).map(({ status }) => status)).toEqual([429]);
  expect((await (await listen(ALICE))(1)).map(({ status }) => status)).toEqual([200]);
  // The oldest of whoever had all has ended, in good order.
  expect(await first?.text()).toContain('"resultType":"complete"');
  expect(streams.every(({ status }) => status === 200)).toBe(true);
});
