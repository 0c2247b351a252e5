import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { AwaitClientOptions } from '../../../src/client/options.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { connectNewer, startedTask } from '../../fixtures/client/newer-server.js';
import { unanswered } from '../../fixtures/client/raw-server.js';
import {
  connectTaskServer,
  type Parts,
  refusing,
  TASK_ID,
  taskIn,
  textResult,
} from '../../fixtures/client/task-server.js';

const HOUR_MS = 3_600_000;
const call = { name: 'research' };
const result = textResult('forty-two');
const reference = { handle: { taskId: TASK_ID } };
const elicit = { method: 'elicitation/create', params: { message: 'Which one?' } };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

async function older(parts: Parts, options: AwaitClientOptions = {}) {
  const { client, server } = await connectTaskServer(parts, {
    clientOptions: { capabilities: { elicitation: {} } },
  });
  return { client: new AwaitClient(client, { jitter: 0, ...options }), server };
}

async function newer(parts: Parts, options: AwaitClientOptions = {}) {
  const { client, server } = await connectNewer(parts, {
    clientOptions: { capabilities: { elicitation: {} } },
  });
  return { client: new AwaitClient(client, { jitter: 0, ...options }), server };
}

/** The parts of a task that is running for two looks, and then at its end; both generations find in them what they look for. */
const ending = (fields: Record<string, unknown> = {}): Parts => ({
  'tasks/get': [taskIn('working', fields), taskIn('working', fields), taskIn('completed', { result })],
  'tasks/result': [result],
});

describe.each([
  ['2025-11-25', older],
  ['2026-07-28', newer],
])('a server of the %s generation', (era, connect) => {
  const start = (fields: Record<string, unknown>) =>
    era === '2025-11-25' ? { task: taskIn('working', fields) } : { ...startedTask, ...fields };
  const interval = era === '2025-11-25' ? 'pollInterval' : 'pollIntervalMs';

  test.each([[0], [-5], [Number.NaN], [Number.POSITIVE_INFINITY], ['soon'], [null]])(
    `that wants to be asked every %j ms is asked at the client's own pace`,
    async wish => {
      const fields = { [interval]: wish };
      const { client, server } = await connect({ ...ending(fields), 'tools/call': [start(fields)] });
      const answer = client.callTool(call);
      await vi.advanceTimersByTimeAsync(6900);
      expect(server.count('tasks/get')).toBe(2);
      await vi.advanceTimersByTimeAsync(200);
      await expect(answer).resolves.toEqual(result);
    },
  );

  test('that wants to be asked once a week cannot stall a wait for longer than three of the longest intervals', async () => {
    const fields = { [interval]: 7 * 24 * HOUR_MS };
    const { client, server } = await connect({ ...ending(fields), 'tools/call': [start(fields)] });
    const answer = client.callTool(call);
    await vi.advanceTimersByTimeAsync(89_000);
    expect(server.count('tasks/get')).toBe(0);
    await vi.advanceTimersByTimeAsync(182_000);
    await expect(answer).resolves.toEqual(result);
  });

  test('that does not know a task at once is asked again, for some seconds', async () => {
    const unknown = refusing(-32602, `Task not found: ${TASK_ID}`);
    const { client } = await connect({
      ...ending(),
      'tools/call': [start({})],
      'tasks/get': [unknown, unknown, taskIn('completed', { result })],
    });
    const answer = client.callTool(call);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(answer).resolves.toEqual(result);
  });

  test('that does not know a task of an old reference is believed at once', async () => {
    const { client, server } = await connect({ 'tasks/get': [refusing(-32602, 'Task not found')] });
    const task = await client.resumeTask({
      version: 1,
      protocol: era === '2025-11-25' ? 'tasks-2025-11-25' : 'tasks-2026-07-28',
      tool: 'research',
      handle: { taskId: TASK_ID },
      startedAt: new Date(Date.now() - HOUR_MS).toISOString(),
    });
    const failure = failureOf(task.result());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'TASK_NOT_FOUND', reference });
    expect(server.count('tasks/get')).toBe(1);
  });

  test('whose task has another id all of a sudden breaks the protocol, and the reference stays', async () => {
    const { client } = await connect({ 'tasks/get': [taskIn('working', { taskId: 'task-2' })] });
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({ code: 'PROTOCOL_VIOLATION', reference });
  });

  test('whose task goes on after its end is not listened to: the first end counts', async () => {
    const { client, server } = await connect({
      ...ending(),
      'tasks/get': [taskIn('completed', { result }), taskIn('working')],
    });
    const task = await client.startTool(call);
    const answer = task.result();
    await vi.advanceTimersByTimeAsync(1000);
    await expect(answer).resolves.toEqual(result);
    const method = era === '2025-11-25' ? 'notifications/tasks/status' : 'notifications/tasks';
    await server.notify(method, taskIn('working'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.count('tasks/get')).toBe(1);
    expect(task.snapshot.status).toBe('completed');
    await expect(task.result()).resolves.toEqual(result);
  });

  test('that tells of a task of somebody else brings about no request', async () => {
    const { client, server } = await connect(ending());
    const answer = client.callTool(call);
    await vi.advanceTimersByTimeAsync(500);
    for (const method of ['notifications/tasks/status', 'notifications/tasks'])
      await server.notify(
        method,
        taskIn('completed', { taskId: 'somebody-else', result: textResult('theirs') }),
      );
    await vi.advanceTimersByTimeAsync(400);
    expect(server.count('tasks/get')).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(answer).resolves.toEqual(result);
  });

  test('that tells of our task is asked at once, and its word alone is no end', async () => {
    const { client, server } = await connect({
      ...ending(),
      'tasks/get': [taskIn('working'), taskIn('completed', { result })],
    });
    const answer = client.callTool(call);
    await vi.advanceTimersByTimeAsync(300);
    const method = era === '2025-11-25' ? 'notifications/tasks/status' : 'notifications/tasks';
    await server.notify(method, taskIn('completed', { result: textResult('made up') }));
    await vi.advanceTimersByTimeAsync(100);
    expect(server.count('tasks/get')).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(answer).resolves.toEqual(result);
  });

  test('with a thousand tasks on one session leaves no listener behind, and no warning', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const { client } = await connect(ending(), { maxPollsPerSecond: Number.POSITIVE_INFINITY });
    const signal = new AbortController().signal;
    let count = 0;
    const answers = Promise.all(
      Array.from({ length: 1000 }, () => client.callTool(call, undefined, { signal }).then(() => count++)),
    );
    await vi.advanceTimersByTimeAsync(120_000);
    await answers;
    vi.useRealTimers();
    await new Promise(resolve => setImmediate(resolve));
    process.off('warning', note);
    expect([count, warnings]).toEqual([1000, []]);
  });
});

describe('a server of the older generation', () => {
  test('that gives no result of a completed task in time is asked again, and then contact is lost, not the task', async () => {
    const { client, server } = await older(
      { 'tasks/get': [taskIn('completed')], 'tasks/result': [unanswered] },
      { requestTimeoutMs: 1000, requestRetries: 1 },
    );
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'SERVER_UNAVAILABLE', reference });
    expect(server.count('tasks/result')).toBe(2);
  });

  test('that never answers `tasks/result` while it waits for input is asked for the state all the same', async () => {
    const { client, server } = await older(
      {
        'tasks/get': [taskIn('input_required'), taskIn('input_required'), taskIn('completed')],
        'tasks/result': [unanswered, result],
      },
      { onInput: () => ({ action: 'decline' }) },
    );
    const answer = client.callTool(call);
    await vi.advanceTimersByTimeAsync(60_000);
    await expect(answer).resolves.toEqual(result);
    expect(server.count('tasks/result')).toBe(2);
    // What was left open is taken back.
    expect(server.count('notifications/cancelled')).toBe(1);
  });

  test('that ends `tasks/result` at once, again and again, is not asked in a busy loop', async () => {
    const { client, server } = await older(
      { 'tasks/get': [taskIn('input_required')], 'tasks/result': [result] },
      { onInput: () => ({ action: 'decline' }), deadlineMs: 60_000 },
    );
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'AWAIT_TIMEOUT' });
    expect(server.count('tasks/get')).toBeLessThan(70);
  });

  test('that answers with the result of another task breaks the protocol', async () => {
    const _meta = { 'io.modelcontextprotocol/related-task': { taskId: 'task-2' } };
    const { client } = await older({
      'tasks/get': [taskIn('completed')],
      'tasks/result': [{ ...result, _meta }],
    });
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({ code: 'PROTOCOL_VIOLATION', reference });
  });

  test('that will not say now how a task ended is asked again', async () => {
    const { client } = await older({
      'tasks/get': [taskIn('completed')],
      'tasks/result': [refusing(-32603, 'later'), result],
    });
    const answer = client.callTool(call);
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(answer).resolves.toEqual(result);
  });

  test('without anybody to answer its question is told so, and the question stays open', async () => {
    const { client, server } = await older({
      'tasks/get': [taskIn('input_required', { statusMessage: 'Which one do you mean?' })],
    });
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({
      code: 'INPUT_REQUIRED',
      message: expect.stringContaining('Which one do you mean?'),
      reference,
    });
    expect(server.count('tasks/result')).toBe(0);
  });
});

describe('a server of the newer generation', () => {
  test('that asks the same thing twice has one answer, and one that is given later counts no attempts', async () => {
    const asked: string[] = [];
    let answerIt = (_answer: { action: 'accept'; content: Record<string, string> }) => {};
    const { client, server } = await newer(
      {
        'tasks/get': [
          ...Array<unknown>(40).fill(taskIn('input_required', { inputRequests: { one: elicit } })),
          taskIn('completed', { result }),
        ],
      },
      {
        maxAttempts: 5,
        maxIntervalMs: 2000,
        onInput: ({ params }) => {
          asked.push(String(params.message));
          return new Promise(resolve => {
            answerIt = resolve;
          });
        },
      },
    );
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(60_000);
    answerIt({ action: 'accept', content: { it: 'this' } });
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toEqual(['Which one?']);
    expect(server.requests('tasks/update')).toMatchObject([
      { taskId: TASK_ID, inputResponses: { one: { action: 'accept', content: { it: 'this' } } } },
    ]);
    // From then on it is a task that does not end.
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'AWAIT_TIMEOUT', budget: 'attempts', reference });
    expect([asked.length, server.count('tasks/update')]).toEqual([1, 1]);
  });

  test('that asks without end is given up', async () => {
    const inputRequests = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [index, elicit]));
    const { client } = await newer(
      { 'tasks/get': [taskIn('input_required', { inputRequests })] },
      { onInput: () => ({ action: 'decline' }) },
    );
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({ code: 'PROTOCOL_VIOLATION', reference });
  });

  test('that asks again and again before it begins is given up', async () => {
    const { client, server } = await newer(
      { 'tools/call': [{ resultType: 'input_required', inputRequests: { one: elicit } }] },
      { onInput: () => ({ action: 'decline' }) },
    );
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'INPUT_REQUIRED', tool: 'research' });
    expect(server.count('tools/call')).toBeLessThanOrEqual(101);
  });
});
