import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startServer } from '../../../src/server/start-server.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';
import { requestOf } from './modern-requests.js';

async function serve() {
  const held = heldOperation(30);
  const input = new PassThrough();
  const output = new PassThrough();
  const server = await startServer({
    store: 'memory:',
    operations: [echo, held.operation],
    stdio: { input, output },
    inlineWindowMs: 10_000,
  });
  onTestFinished(() => server.close(0));
  // biome-ignore lint/suspicious/noExplicitAny: tests look into them with matchers
  const messages: any[] = [];
  let text = '';
  output.on('data', chunk => {
    const lines = `${text}${chunk}`.split('\n');
    text = lines.pop() ?? '';
    messages.push(...lines.map(line => JSON.parse(line)));
  });
  const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const answerTo = (id: number) =>
    vi.waitUntil(() => messages.find(message => message.id === id && !('method' in message)));
  return { server, input, messages, send, answerTo, held };
}

test('a session of an earlier version and requests of this one share the line', async () => {
  const { send, answerTo } = await serve();
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  send({ id: 1, method: 'initialize', params });
  send(requestOf('server/discover', {}, { id: 2 }));
  expect((await answerTo(1)).result).toMatchObject({ protocolVersion: '2025-11-25' });
  expect((await answerTo(2)).result).toMatchObject({ supportedVersions: ['2026-07-28'] });
  send({ id: 3, method: 'tools/list' });
  send(requestOf('tools/list', {}, { id: 4 }));
  expect((await answerTo(3)).result).not.toHaveProperty('resultType');
  expect((await answerTo(4)).result).toMatchObject({ resultType: 'complete', cacheScope: 'private' });
});

test('a subscription tells of the end of a task, until it is cancelled', async () => {
  const { messages, send, answerTo, held } = await serve();
  const tasks = [];
  for (const id of [1, 2]) {
    send(requestOf('tools/call', { name: 'held', arguments: {} }, { id }));
    tasks.push((await answerTo(id)).result.taskId);
    const notifications = { taskIds: [tasks.at(-1)] };
    send(requestOf('subscriptions/listen', { notifications }, { id: 10 + id }));
  }
  await vi.waitUntil(() => messages.filter(({ method }) => method === 'notifications/tasks').length === 2);
  send({ method: 'notifications/cancelled', params: { requestId: 11 } });
  held.release();
  expect((await answerTo(12)).result).toMatchObject({ resultType: 'complete' });
  const ended = messages.filter(({ params }) => params?.status === 'completed');
  expect(ended.map(({ params }) => params.taskId)).toEqual([tasks[1]]);
  expect(messages.some(({ id }) => id === 11)).toBe(false);
});

test('a call that is cancelled gets no answer, and its work stops', async () => {
  const { messages, send, answerTo, held } = await serve();
  send(requestOf('tools/call', { name: 'held', arguments: {} }, { id: 1, capabilities: {} }));
  await vi.waitUntil(() => held.runs.length === 1);
  send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await vi.waitUntil(() => held.runs[0]?.signal.aborted);
  send(requestOf('server/discover', {}, { id: 2 }));
  await answerTo(2);
  expect(messages.map(({ id }) => id)).toEqual([2]);
});

test('what is wrong with a request is told by its code', async () => {
  const { send, answerTo } = await serve();
  send({
    id: 1,
    method: 'tools/list',
    params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '9' } },
  });
  expect((await answerTo(1)).error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'] } });
  send(requestOf('nothing', {}, { id: 2 }));
  expect((await answerTo(2)).error).toMatchObject({ code: -32601 });
});

test('a client that goes is told the end of its subscriptions, and its tasks are finished', async () => {
  const { server, input, send, answerTo, held } = await serve();
  send(requestOf('tools/call', { name: 'held', arguments: {} }, { id: 1 }));
  const { taskId } = (await answerTo(1)).result;
  send(requestOf('subscriptions/listen', { notifications: { taskIds: [taskId] } }, { id: 2 }));
  await vi.waitUntil(() => held.runs.length === 1);
  input.end();
  expect((await answerTo(2)).result).toMatchObject({ resultType: 'complete' });
  held.release();
  await server.ended;
});
