import type { ServerResponse } from 'node:http';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { Response } from 'undici';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { LegacySse } from '../../../src/client/http/legacy-sse.js';
import type { Requests } from '../../../src/client/http/requests.js';
import { isSessionAlive } from '../../../src/client/http/session-check.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp, usual } from '../../fixtures/client/http-mcp.js';

const PATIENT = { timeout: 10_000 };
const STREAM = { 'content-type': 'text/event-stream' };

afterEach(() => {
  vi.useRealTimers();
});

describe('the stream of a call that is taken back ends,', () => {
  test.each<[string, (response: ServerResponse) => void]>([
    ['while it is open', () => {}],
    ['and while it is asked for again', response => response.end('id: e1\ndata:\n\n')],
  ])('%s', async (_what, begin) => {
    const streams: ServerResponse[] = [];
    const open = (response: ServerResponse) => streams.push(response.writeHead(200, STREAM));
    const { url } = await httpMcp(
      (message, _request, response) => {
        if (message.method !== 'tools/call') return usual(message);
        open(response);
        response.write(': open\n\n');
        begin(response);
        return undefined;
      },
      (request, response) => {
        if (request.headers['last-event-id'] === undefined) response.writeHead(405).end();
        else streams.push(response);
      },
    );
    const client = await AwaitClient.connect(url);
    const abort = new AbortController();
    const failure = failureOf(client.callTool({ name: 'a' }, undefined, { signal: abort.signal }));
    await vi.waitFor(() => expect(streams.filter(each => !each.writableEnded)).toHaveLength(1), PATIENT);
    abort.abort();
    await failure;
    await vi.waitFor(() => expect(streams.every(({ closed }) => closed)).toBe(true), PATIENT);
    await client.close();
  });
});

test('a check of the session that gets no answer is ended with its connection', async () => {
  vi.useFakeTimers();
  let signal: AbortSignal | undefined;
  const alive = isSessionAlive((_ping, given) => {
    signal = given;
    return new Promise(() => {});
  });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await alive).toBe(true);
  expect(signal?.aborted).toBe(true);
});

test('a stream that cannot be read fails the requests that still wait for it, and no others', async () => {
  let tell = (_text: string) => {};
  const body = new ReadableStream({
    start(controller) {
      tell = text => controller.enqueue(new TextEncoder().encode(text));
    },
  });
  let status = 202;
  const requests = {
    url: new URL('http://127.0.0.1/sse'),
    send: async ({ method }: { method: string }) =>
      method === 'GET' ? new Response(body, { headers: STREAM }) : new Response('', { status }),
    refusal: async () => new Error('refused'),
  } as unknown as Requests;
  const delivered: JSONRPCMessage[] = [];
  const closed = new Promise<void>(resolve => {
    const listener = {
      deliver: (message: JSONRPCMessage) => delivered.push(message),
      report: () => {},
      answerEnded: () => {},
      closed: resolve,
    };
    const sse = new LegacySse({ requests, listener, maxAnswerBytes: 1000, extend: () => undefined });
    void (async () => {
      tell('event: endpoint\ndata: /message\n\n');
      await sse.open();
      const ask = (id: number) => sse.send({ jsonrpc: '2.0', id, method: 'ping' });
      await Promise.all([1, 2, 3].map(ask));
      const params = { requestId: 1 };
      await sse.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
      tell('data: {"jsonrpc":"2.0","id":"2","result":{}}\n\n');
      status = 500;
      await ask(4).catch(() => {});
      tell(`data: ${'x'.repeat(2000)}\n\n`);
    })();
  });
  await closed;
  expect(
    delivered.filter(message => 'error' in message).map(message => 'id' in message && message.id),
  ).toEqual([3]);
});
