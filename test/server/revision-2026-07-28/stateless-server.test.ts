import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { defineOperation, OperationError } from '../../../src/server/operation.js';
import { startServer } from '../../../src/server/start-server.js';
import { sleep } from '../../../src/time/sleep.js';
import { connectHttp } from '../../fixtures/server/connected-http.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';
import { requestOf } from './modern-requests.js';

const ADA = 'ada-has-a-long-token';
const BOB = 'bob-has-a-long-token';

const busy = defineOperation({
  name: 'busy',
  description: 'Fails.',
  input: z.object({}),
  run: () => Promise.reject(new OperationError('BUSY', 'Try later', { retryable: true })),
});

const broken = defineOperation({
  name: 'broken',
  description: 'Breaks.',
  input: z.object({}),
  run: () => Promise.reject(new TypeError('a bug')),
});

const asking = defineOperation({
  name: 'asking',
  description: 'Asks.',
  input: z.object({}),
  async run(_, { elicit }) {
    const answer = await elicit(z.object({ name: z.string() }), 'Who are you?');
    return { hello: answer.action === 'accept' ? answer.content.name : 'nobody' };
  },
});

async function serve() {
  const held = heldOperation(30);
  const server = await startServer({
    store: 'memory:',
    operations: [echo, busy, broken, asking, held.operation],
    http: { port: 0, tokens: [`ada=${ADA}`, `bob=${BOB}`] },
  });
  onTestFinished(() => server.close(0));
  const url = server.url ?? '';
  const post = (message: ReturnType<typeof requestOf>, token = ADA, more: Record<string, string> = {}) => {
    const { name, taskId } = message.params as { name?: string; taskId?: string };
    const named = name ?? taskId;
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': message.method,
      ...(named !== undefined && { 'mcp-name': named }),
      ...more,
    };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify(message) });
  };
  const ask = async (method: string, params: object = {}, capabilities?: object, token?: string) => {
    const response = await post(requestOf(method, params, capabilities && { capabilities }), token);
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it with matchers
    return { status: response.status, ...((await response.json()) as any) };
  };
  const start = async (name: string, args: object = {}) =>
    (await ask('tools/call', { name, arguments: args })).result;
  const ended = async (taskId: string) => {
    for (;;) {
      const { result } = await ask('tasks/get', { taskId });
      if (result.status !== 'working') return result;
    }
  };
  return { server, url, held, post, ask, start, ended };
}

/** The messages of a stream, as they come. */
async function* messagesOf(response: Response): AsyncGenerator<JSONRPCMessage & { params?: object }> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

describe('a call', () => {
  test('becomes a task for a client that takes tasks, and the task holds the result in the end', async () => {
    const { start, ended } = await serve();
    const task = await start('echo', { text: 'hello' });
    expect(task).toMatchObject({
      resultType: 'task',
      status: 'working',
      ttlMs: 86_400_000,
      pollIntervalMs: expect.any(Number),
    });
    expect(task).not.toHaveProperty('task');
    expect(await ended(task.taskId)).toMatchObject({
      resultType: 'complete',
      status: 'completed',
      result: { resultType: 'complete', structuredContent: { text: 'hello' } },
    });
  });

  test('whose client only asks is answered at once, then in the moment of its end', async () => {
    const { start, ask, held } = await serve();
    const { taskId } = await start('held');
    expect((await ask('tasks/get', { taskId })).result).toMatchObject({ status: 'working' });
    const known = ask('tasks/get', { taskId });
    held.release();
    expect((await known).result).toMatchObject({ status: 'completed' });
  });

  test('is answered with its result for any other client, or with a reference', async () => {
    const { ask, held } = await serve();
    const { result } = await ask('tools/call', { name: 'echo', arguments: { text: 'hello' } }, {});
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { text: 'hello' } });
    const slow = await ask('tools/call', { name: 'held' }, {});
    expect(slow.result.structuredContent).toMatchObject({ task_ref: expect.any(String) });
    held.release();
  });

  test('that fails is a result; one that breaks is an error of the protocol', async () => {
    const { start, ended } = await serve();
    const failed = await ended((await start('busy')).taskId);
    expect(failed).toMatchObject({
      status: 'completed',
      result: { isError: true, structuredContent: { error: { code: 'BUSY' } } },
    });
    const broke = await ended((await start('broken')).taskId);
    expect(broke).toMatchObject({
      status: 'failed',
      error: { code: -32603, message: 'a bug', data: { code: 'OPERATION_FAILED' } },
    });
    expect(broke).not.toHaveProperty('result');
  });

  test('with arguments that do not fit is refused, and starts nothing', async () => {
    const { ask } = await serve();
    const { result } = await ask('tools/call', { name: 'echo', arguments: { text: 1 } });
    expect(result).toMatchObject({
      resultType: 'complete',
      isError: true,
      structuredContent: { error: { code: 'INVALID_PARAMETERS' } },
    });
  });

  test.each([
    ['of an unknown tool', { name: 'nobody' }],
    ['of no tool', {}],
    ['with arguments that are no object', { name: 'echo', arguments: [] }],
    ['with answers that are no object', { name: 'resolve_task_status', inputResponses: [] }],
  ])('%s is -32602', async (_name, params) => {
    expect((await (await serve()).ask('tools/call', params)).error.code).toBe(-32602);
  });
});

describe('a task', () => {
  test('exists for its owner only', async () => {
    const { ask, start, held } = await serve();
    const { taskId } = await start('held');
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      const { error } = await ask(method, { taskId, inputResponses: {} }, undefined, BOB);
      expect(error).toMatchObject({ code: -32602, data: { code: 'TASK_NOT_FOUND' } });
    }
    held.release();
  });

  test('is that of the pair and of the older protocol', async () => {
    const { url, ask, start, held } = await serve();
    const { taskId } = await start('held');
    const older = await connectHttp(url, ADA);
    expect((await older.resolve(taskId)).data).toMatchObject({ task_ref: taskId });
    const { data } = await older.initiate('echo', { text: 'pair' });
    await older.resolve(data.task_ref, 10);
    const { result } = await ask('tasks/get', { taskId: data.task_ref });
    expect(result).toMatchObject({ status: 'completed', result: { structuredContent: { text: 'pair' } } });
    held.release();
  });

  test('is cancelled with an empty answer, once and again', async () => {
    const { ask, start, held } = await serve();
    const { taskId } = await start('held');
    await vi.waitUntil(() => held.runs.length === 1);
    for (let time = 0; time < 2; time++) {
      const { result } = await ask('tasks/cancel', { taskId });
      expect(result).toEqual({ resultType: 'complete', _meta: expect.anything() });
    }
    await vi.waitUntil(() => held.runs[0]?.signal.aborted);
    expect((await ask('tasks/get', { taskId })).result.status).toBe('cancelled');
  });

  test('that asks is answered by its key, once', async () => {
    const { ask, start, ended } = await serve();
    const { taskId } = await start('asking');
    const { status, inputRequests } = await ended(taskId);
    expect(status).toBe('input_required');
    const [key = ''] = Object.keys(inputRequests);
    const answer = (content: object) =>
      ask('tasks/update', { taskId, inputResponses: { [key]: { action: 'accept', content }, other: {} } });
    expect((await answer({ name: 7 })).error).toMatchObject({
      code: -32602,
      data: { code: 'INVALID_ANSWER' },
    });
    expect((await answer({ name: 'Ada' })).result).toMatchObject({ resultType: 'complete' });
    expect((await answer({ name: 'Bob' })).result).toMatchObject({ resultType: 'complete' });
    expect(await ended(taskId)).toMatchObject({ result: { structuredContent: { hello: 'Ada' } } });
  });

  test('that asks puts its questions into the answer of a call by a client without tasks', async () => {
    const { ask } = await serve();
    const client = { elicitation: {} };
    const call = (more: object) => ask('tools/call', { name: 'asking', ...more }, client);
    const first = (await call({})).result;
    expect(first).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
    const [key = ''] = Object.keys(first.inputRequests);
    const { requestState } = first;
    const inputResponses = { [key]: { action: 'accept', content: { name: 'Ada' } } };
    const forged = await call({ inputResponses, requestState: `${requestState}x` });
    expect(forged.error).toMatchObject({ code: -32602 });
    expect((await call({ requestState, inputResponses: { other: {} } })).result.resultType).toBe(
      'input_required',
    );
    const { result } = await call({ requestState, inputResponses });
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { hello: 'Ada' } });
  });

  test.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
    '%s needs a client that has declared the extension',
    async method => {
      const { ask } = await serve();
      expect(await ask(method, { taskId: 'x' }, {})).toMatchObject({
        status: 400,
        error: {
          code: -32021,
          data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
        },
      });
    },
  );

  test.each(['tasks/result', 'tasks/list', 'initialize', 'ping', 'resources/list'])(
    'the method %s does not exist',
    async method => {
      expect(await (await serve()).ask(method)).toMatchObject({ status: 404, error: { code: -32601 } });
    },
  );
});

describe('subscriptions/listen', () => {
  const listen = (taskIds: unknown, id = 7) =>
    requestOf('subscriptions/listen', { notifications: { taskIds } }, { id });

  test('says what it will tell, how each task stands, and then each end, and ends itself', async () => {
    const { start, post, held } = await serve();
    const [{ taskId }, done] = [await start('held'), await start('echo', { text: 'x' })];
    const stream = await post(listen([taskId, done.taskId, 'unknown']));
    const messages = [];
    for await (const message of messagesOf(stream)) {
      messages.push(message);
      const told = messages.map(each => (each.params as { status?: string } | undefined)?.status);
      if (told.includes('completed') && told.length >= 3) held.release();
    }
    const _meta = { 'io.modelcontextprotocol/subscriptionId': 7 };
    expect(messages[0]).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { taskIds: [taskId, done.taskId] }, _meta },
    });
    const states = messages.filter(
      message => 'method' in message && message.method === 'notifications/tasks',
    );
    expect(states.at(-1)).toMatchObject({
      params: { taskId, status: 'completed', result: { structuredContent: { result: 'released' } }, _meta },
    });
    expect(messages.at(-1)).toMatchObject({ id: 7, result: { resultType: 'complete', _meta } });
  });

  test('tells nobody of the tasks of another', async () => {
    const { start, post, held } = await serve();
    const { taskId } = await start('held');
    const messages = [];
    for await (const message of messagesOf(await post(listen([taskId]), BOB))) messages.push(message);
    expect(messages).toMatchObject([{ params: { notifications: { taskIds: [] } } }, { id: 7 }]);
    held.release();
  });

  test('ends with its result when the server closes', async () => {
    const { server, start, post } = await serve();
    const { taskId } = await start('held');
    const messages = [];
    for await (const message of messagesOf(await post(listen([taskId])))) {
      messages.push(message);
      if (messages.length === 2) void server.close(0);
    }
    expect(messages.at(-1)).toMatchObject({ id: 7, result: { resultType: 'complete' } });
  });

  test.each<[string, unknown, number]>([
    ['ids that are no list', 'x', -32602],
    ['ids that are no strings', [1], -32602],
    ['more ids than it takes', Array.from({ length: 1001 }, (_, index) => `${index}`), -32602],
  ])('refuses %s', async (_name, taskIds, code) => {
    const response = await (await serve()).post(listen(taskIds));
    expect(await response.json()).toMatchObject({ id: 7, error: { code } });
  });
});

describe('over HTTP', () => {
  test('a request without its headers, or with other ones, is refused', async () => {
    const { post } = await serve();
    for (const headers of [
      { 'mcp-method': 'ping' },
      { 'mcp-protocol-version': '2025-11-25' },
      { 'mcp-protocol-version': '2026-07-29' },
    ]) {
      const response = await post(requestOf('tools/list'), ADA, headers);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: -32020 } });
    }
  });

  test('nobody gets in without a token, and nothing but POST is taken', async () => {
    const { url, post } = await serve();
    expect((await post(requestOf('tools/list'), 'a-token-that-is-unknown')).status).toBe(401);
    const headers = { authorization: `Bearer ${ADA}`, 'mcp-protocol-version': '2026-07-28' };
    expect((await fetch(url, { headers })).status).toBe(405);
  });

  test('progress comes on the stream of the call, before its answer', async () => {
    const { start, post, held } = await serve();
    const { taskId } = await start('held');
    await vi.waitUntil(() => held.runs.length === 1);
    const call = requestOf('tools/call', {
      name: 'resolve_task_status',
      arguments: { task_ref: taskId, wait_seconds: 10 },
    });
    const _meta = { ...(call.params._meta as object), progressToken: 'p' };
    let answered = false;
    const answer = post({ ...call, params: { ...call.params, _meta } }).finally(() => {
      answered = true;
    });
    // The stream begins with the first that is told.
    for (let share = 0.1; !answered; share /= 2) {
      held.runs[0]?.progress(share);
      await sleep(20);
    }
    const response = await answer;
    const messages = [];
    for await (const message of messagesOf(response)) {
      messages.push(message);
      held.release();
    }
    expect(messages[0]).toMatchObject({
      method: 'notifications/progress',
      params: { progressToken: 'p', progress: expect.any(Number), total: 1 },
    });
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { status: 'completed' } } });
  });
});
