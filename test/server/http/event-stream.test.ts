import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { keepAlive, sendEvent } from '../../../src/server/http/event-stream.js';

async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const notice = { jsonrpc: '2.0' as const, method: 'notifications/test', params: {} };

test('a response becomes an event stream with its first message, and is kept alive from then on', async () => {
  let response: ServerResponse | undefined;
  const url = await serve(each => {
    response = each;
    keepAlive(each, 5);
    sendEvent(each, notice);
  });
  const answer = await fetch(url);
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const reader = answer.body?.getReader();
  let text = '';
  while (!text.includes(': keep-alive\n\n')) {
    text += new TextDecoder().decode((await reader?.read())?.value);
  }
  expect(text).toContain(`event: message\ndata: ${JSON.stringify(notice)}\n\n`);
  await reader?.cancel();
  await vi.waitUntil(() => response?.destroyed);
});

test('a comment is never written into an answer that is no stream', async () => {
  const url = await serve(response => {
    keepAlive(response, 1);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{');
    setTimeout(() => response.end('}'), 30);
  });
  expect(await (await fetch(url)).json()).toEqual({});
});

test('a client that reads nothing is given up', async () => {
  let response: ServerResponse | undefined;
  const url = await serve(each => {
    response = each;
    sendEvent(each, notice);
  });
  const answer = await fetch(url);
  const long = { ...notice, params: { text: 'x'.repeat(1024 * 1024) } };
  await vi.waitUntil(() => {
    if (response !== undefined) sendEvent(response, long);
    return response?.destroyed;
  });
  await answer.body?.cancel().catch(() => {});
});
