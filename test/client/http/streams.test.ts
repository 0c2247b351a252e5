import type { RequestListener, ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { OutcomeUnknownError } from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp, said, usual } from '../../fixtures/client/http-mcp.js';

const STREAM = { 'content-type': 'text/event-stream' };

const delays = vi.hoisted((): number[] => []);

/** Pauses are a hundred times as short here. */
vi.mock(import('../../../src/client/http/reconnect-delay.js'), async original => {
  const { reconnectDelayMs } = await original();
  return {
    reconnectDelayMs: ended => {
      delays.push(reconnectDelayMs(ended));
      return Number(delays.at(-1)) / 100;
    },
  };
});

/** A server that begins a stream with an event id and breaks off. */
async function cutServer(onGet: RequestListener, cut: (response: ServerResponse) => void) {
  let calls = 0;
  let id: unknown;
  const { url, seen } = await httpMcp((message, _request, response) => {
    if (message.method !== 'tools/call') return usual(message);
    calls++;
    id = message.id;
    response.writeHead(200, STREAM).write('id: e1\ndata:\n\n');
    setTimeout(cut, 10, response);
    return undefined;
  }, onGet);
  const client = await AwaitClient.connect(url);
  return { client, seen, calls: () => calls, callId: () => id };
}

const ended = (response: ServerResponse) => response.end();
const destroyed = (response: ServerResponse) => response.destroy();
const only = (status: number, headers = {}, body = ''): RequestListener => {
  return (_request, response) => response.writeHead(status, headers).end(body);
};

describe('the lines of a stream', () => {
  test.each([
    ['line feeds', ['\n']],
    ['carriage returns', ['\r']],
    ['both', ['\r\n']],
    ['both, in two parts', ['\r', '\n']],
  ])('may end in %s, also where nothing follows', async (_what, parts) => {
    const { url } = await httpMcp(({ id, ...message }, _request, response) => {
      if (message.method !== 'tools/call') return usual({ id, ...message });
      const { result } = said('lines') as { result: object };
      const lines = ['id: e1', `data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}`, ''];
      const pieces = lines.flatMap(line => parts.map((part, at) => (at === 0 ? line + part : part)));
      response.writeHead(200, STREAM);
      // The stream stays open.
      void (async () => {
        for (const piece of pieces) await new Promise(resolve => response.write(piece, resolve));
      })();
      return undefined;
    });
    const client = await AwaitClient.connect(url);
    await expect(client.callTool({ name: 'a' })).resolves.toEqual({
      content: [{ type: 'text', text: 'lines' }],
    });
    await client.close();
  });
});

describe('an answer that breaks off after an event with an id', () => {
  test.each<[string, RequestListener]>([
    ['HTTP 400', only(400)],
    ['HTTP 404', only(404)],
    ['HTTP 405', only(405)],
    ['HTTP 410', only(410)],
    ['HTTP 500', only(500)],
    ['JSON', only(200, { 'content-type': 'application/json' }, '{}')],
    ['HTML', only(200, { 'content-type': 'text/html' }, '<p>')],
    ['streams without an event', only(200, STREAM)],
    ['streams with comments alone', only(200, STREAM, ': ping\n\n')],
  ])('is told as lost where the server goes on with %s', async (_what, onGet) => {
    for (const cut of [ended, destroyed]) {
      const { client, calls } = await cutServer(onGet, cut);
      const error = await failureOf(client.callTool({ name: 'a' }));
      expect(error).toBeInstanceOf(OutcomeUnknownError);
      expect(error.message).toMatch(/the answer broke off, and the server/);
      expect(calls()).toBe(1);
      await client.close();
    }
  });

  test('is told as lost where the server is out of reach for good', async () => {
    const { client } = await cutServer(request => request.socket.destroy(), destroyed);
    expect(await failureOf(client.callTool({ name: 'a' }))).toBeInstanceOf(OutcomeUnknownError);
    await client.close();
  });

  test('goes on where the server is busy, or its stream breaks off again', async () => {
    let asked = 0;
    const ids: unknown[] = [];
    const { client, calls, callId } = await cutServer((request, response) => {
      if (request.headers['last-event-id'] === undefined) return response.writeHead(405).end();
      ids.push(request.headers['last-event-id']);
      asked++;
      if (asked === 1) return response.writeHead(503).end();
      response.writeHead(200, STREAM);
      if (asked === 2) return response.write('id: e2\ndata:\n\n', () => response.destroy());
      const { result } = said('late') as { result: object };
      const method = 'notifications/message';
      response.write(`id: e3\ndata: ${JSON.stringify({ jsonrpc: '2.0', method, params: {} })}\n\n`);
      return response.end(`id: e4\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: callId(), result })}\n\n`);
    }, ended);
    await expect(client.callTool({ name: 'a' })).resolves.toEqual({
      content: [{ type: 'text', text: 'late' }],
    });
    expect(ids).toEqual(['e1', 'e1', 'e2']);
    expect(calls()).toBe(1);
    await client.close();
  });

  test('is not asked for again once the call is taken back', async () => {
    const { client, seen } = await cutServer(only(503), ended);
    const controller = new AbortController();
    const called = failureOf(client.callTool({ name: 'a' }, undefined, { signal: controller.signal }));
    await vi.waitFor(() => expect(resumptions(seen)).toBeGreaterThan(0));
    controller.abort();
    await called;
    // One may be on its way.
    await new Promise(resolve => setTimeout(resolve, 10));
    const count = resumptions(seen);
    await new Promise(resolve => setTimeout(resolve, 49));
    expect(resumptions(seen)).toBe(count);
    await client.close();
  });
});

function resumptions(seen: readonly { headers: NodeJS.Dict<string | string[]> }[]): number {
  return seen.filter(({ headers }) => headers['last-event-id'] !== undefined).length;
}

describe('the stream for what a server says unasked', () => {
  const gets = (seen: readonly { method: string }[]) => seen.filter(({ method }) => method === 'GET').length;
  const pause = () => new Promise(resolve => setTimeout(resolve, 160));

  test.each<[string, RequestListener]>([
    ['JSON', only(200, { 'content-type': 'application/json' }, '{"ok":true}')],
    ['HTML', only(200, { 'content-type': 'text/html' }, '<p>hi')],
    ['HTTP 404', only(404)],
    ['HTTP 500', only(500)],
  ])('is asked for once where the answer is %s', async (_what, onGet) => {
    const { url, seen } = await httpMcp(usual, onGet);
    const client = await AwaitClient.connect(url);
    await pause();
    expect(gets(seen)).toBe(1);
    await client.close();
  });

  // The pauses are 10, 20, 40 and 80 ms here.
  test.each<[string, RequestListener]>([
    ['ends at once', only(200, STREAM)],
    ['ends at once, with `retry: 0`', only(200, STREAM, 'id: 1\nretry: 0\ndata:\n\n')],
    ['ends at once, with `retry: 1`', only(200, STREAM, 'retry: 1\n\n')],
    ['brings comments only', only(200, STREAM, ': ping\n\n')],
    ['is refused for the time being', only(503)],
    ['breaks off at once', request => request.socket.destroy()],
  ])('is asked for less and less often where it %s', async (_what, onGet) => {
    delays.length = 0;
    const { url, seen } = await httpMcp(usual, onGet);
    const client = await AwaitClient.connect(url);
    await vi.waitFor(() => expect(gets(seen)).toBeGreaterThan(3), 10_000);
    expect(gets(seen)).toBeLessThanOrEqual(1 + delays.length);
    expect(delays.slice(0, 4)).toEqual([1000, 2000, 4000, 8000].slice(0, delays.length));
    await client.close();
  });

  test('goes on from the last event', async () => {
    const ids: unknown[] = [];
    const method = 'notifications/message';
    const { url } = await httpMcp(usual, (request, response) => {
      ids.push(request.headers['last-event-id']);
      const message = { jsonrpc: '2.0', method, params: { level: 'info', data: 'x' } };
      response.writeHead(200, STREAM).end(`id: e${ids.length}\ndata: ${JSON.stringify(message)}\n\n`);
    });
    const client = await AwaitClient.connect(url);
    await vi.waitFor(() => expect(ids.slice(0, 3)).toEqual([undefined, 'e1', 'e2']));
    await client.close();
  });
});

describe('a request that is answered with HTTP 202', () => {
  /** A server that answers the GET only when the tool has been called. */
  const calledThenGet = async (onGet: (response: ServerResponse, id: unknown) => void) => {
    let get: ServerResponse | undefined;
    const { url } = await httpMcp(
      (message, _request, response) => {
        if (message.method !== 'tools/call') return usual(message);
        response.writeHead(202).end();
        setTimeout(() => get !== undefined && onGet(get, message.id), 20);
        return undefined;
      },
      (request, response) => {
        if (request.method === 'GET') get = response;
        else response.writeHead(200).end();
      },
    );
    return AwaitClient.connect(url);
  };

  test('fails where there is no stream by which its answer could come', async () => {
    const client = await calledThenGet(response => response.writeHead(405).end());
    const error = await failureOf(client.callTool({ name: 'a' }));
    expect(error.message).toContain('the server answers HTTP 202 and no more');
    await client.close();
  });

  test('gets its answer by the other stream', async () => {
    const client = await calledThenGet((response, id) => {
      const answer = { jsonrpc: '2.0', id, ...said('hi') };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify(answer)}\n\n`);
    });
    expect(await client.callTool({ name: 'a' })).toMatchObject({ content: [{ text: 'hi' }] });
    await client.close();
  });
});
