import { describe, expect, test } from 'vitest';
import { sdkPort } from '../../src/client/sdk/sdk-port.js';
import { ProtocolViolationError, TaskNotFoundError } from '../../src/errors.js';
import type { Exchange } from '../../src/protocols/protocol.js';
import { tasks20251125 } from '../../src/protocols/tasks-2025-11-25.js';
import { unanswered } from '../fixtures/client/raw-server.js';
import {
  connectTaskServer,
  type Parts,
  refusing,
  researchTool,
  TASK_ID,
  taskIn,
  textResult,
} from '../fixtures/client/task-server.js';
import { describeProtocol, type Scenario } from './conformance.js';

const server = { tools: [researchTool], nativeTasks: '2025-11-25' as const };
const result = textResult('forty-two');

const parts: Record<Scenario, Parts> = {
  completed: { 'tasks/get': [taskIn('working'), taskIn('completed')], 'tasks/result': [result] },
  failed: {
    'tasks/get': [taskIn('working'), taskIn('failed')],
    'tasks/result': [refusing(-32603, 'It took too long.', { code: 'SLA_EXCEEDED', retryable: true })],
  },
  cancelled: { 'tasks/get': [taskIn('working'), taskIn('cancelled')] },
  'unknown-word': { 'tasks/get': [taskIn('working'), taskIn('pondering')] },
  'other-task': { 'tasks/get': [taskIn('working'), taskIn('completed', { taskId: 'task-2' })] },
  unreadable: { 'tasks/get': [taskIn('working'), { weather: 'nice' }] },
  'not-found': { 'tasks/get': [taskIn('working'), refusing(-32602, 'Task not found')] },
  silent: { 'tools/call': [unanswered], 'tasks/get': [unanswered] },
};

describeProtocol('tasks-2025-11-25', {
  protocol: tasks20251125,
  tool: researchTool,
  server,
  async open(scenario) {
    const { server: raw, client } = await connectTaskServer(parts[scenario]);
    return {
      port: sdkPort(client),
      requestCount: () => raw.count('tools/call') + raw.count('tasks/get') + raw.count('tasks/result'),
      cancelledRequestCount: () => raw.count('notifications/cancelled'),
      cancelledTaskCount: () => raw.count('tasks/cancel'),
    };
  },
  result,
  error: { code: 'SLA_EXCEEDED', message: 'It took too long.', retryable: true },
});

async function exchangeWith(given: Parts) {
  const { server: raw, client } = await connectTaskServer(given);
  const exchange: Exchange = {
    port: sdkPort(client),
    signal: new AbortController().signal,
    requestTimeoutMs: 30_000,
    silenceTimeoutMs: 300_000,
    holdMs: 0,
    onProgress: () => {},
  };
  return { raw, exchange };
}

const handle = { taskId: TASK_ID };
const start = async (given: Parts) => {
  const { raw, exchange } = await exchangeWith(given);
  const plan = tasks20251125.plan(researchTool, server);
  return { raw, answer: await plan?.start({ name: 'research', arguments: { text: 'x' } }, exchange) };
};
const poll = async (given: Parts) => tasks20251125.poll(handle, (await exchangeWith(given)).exchange);
const ended = (task: Record<string, unknown>, answer: unknown) =>
  poll({ 'tasks/get': [task], 'tasks/result': [answer] });

describe('a plan', () => {
  test.each([
    ['required', '2025-11-25', true],
    ['optional', '2025-11-25', true],
    ['forbidden', '2025-11-25', false],
    [undefined, '2025-11-25', false],
    ['required', undefined, false],
    ['required', '2026-07-28', false],
  ] as const)(
    'for a tool whose support is %s, where the tasks are those of %s: %s',
    (taskSupport, nativeTasks, planned) => {
      const tool = { ...researchTool, execution: taskSupport && { taskSupport } };
      expect(tasks20251125.plan(tool, { tools: [tool], nativeTasks }) !== undefined).toBe(planned);
    },
  );

  test('may be sent twice only where the tool is marked so', () => {
    const marked = { ...researchTool, annotations: { idempotentHint: true } };
    expect(tasks20251125.plan(researchTool, server)?.idempotent).toBe(false);
    expect(tasks20251125.plan(marked, server)?.idempotent).toBe(true);
  });
});

describe('a start', () => {
  test('asks for a task that is kept for a day, and hands on what the server says of the pace', async () => {
    const { raw, answer } = await start({
      'tools/call': [{ task: taskIn('working', { pollInterval: 250 }) }],
    });
    expect(raw.requests('tools/call')).toEqual([
      { name: 'research', arguments: { text: 'x' }, task: { ttl: 86_400_000 } },
    ]);
    expect(answer).toMatchObject({ kind: 'running', handle, leastMs: 250 });
  });

  test.each([
    ['a result', result, { status: 'completed', result }],
    ['an error of the tool', textResult('no', true), { status: 'failed', error: { message: 'no' } }],
  ])('that is answered with %s is the end', async (_what, given, outcome) => {
    const { answer } = await start({ 'tools/call': [given] });
    expect(answer).toMatchObject({ kind: 'ended', outcome });
  });

  test.each([
    ['no task', { task: {} }],
    ['a task without an id', { task: taskIn('working', { taskId: '' }) }],
    ['a task without a status', { task: taskIn('working', { status: 1 }) }],
    ['no tool result', { content: 5 }],
  ])('that is answered with %s is a violation', async (_what, given) => {
    await expect(start({ 'tools/call': [given] })).rejects.toThrow(ProtocolViolationError);
  });
});

describe('a poll', () => {
  test('tells that a task waits for input, and its sentence', async () => {
    const answer = await poll({ 'tasks/get': [taskIn('input_required', { statusMessage: 'Which one?' })] });
    expect(answer).toMatchObject({ kind: 'running', status: 'input_required', message: 'Which one?' });
  });

  test.each([[0], [-1], [7 * 86_400_000], [Number.NaN], ['soon'], [null], [{}]])(
    'hands on a pollInterval of %j only when it is a number: whether it is usable is for the pacing to say',
    async pollInterval => {
      const answer = await poll({ 'tasks/get': [taskIn('working', { pollInterval, statusMessage: 7 })] });
      expect(answer).toMatchObject({ kind: 'running', status: 'working' });
      expect('leastMs' in answer).toBe(typeof pollInterval === 'number');
    },
  );

  test.each([
    ['a result of the tool', textResult('broken', true), { code: 'TOOL_ERROR', message: 'broken' }],
    ['a result that looks good', result, { code: 'TASK_FAILED', message: 'gone wrong' }],
  ])('of a failed task has the real error, from %s', async (_what, answer, error) => {
    const failed = taskIn('failed', { statusMessage: 'gone wrong' });
    await expect(ended(failed, answer)).resolves.toMatchObject({ outcome: { status: 'failed', error } });
  });

  test.each([
    [{ code: 'OUT_OF_DISK' }, 'OUT_OF_DISK'],
    [undefined, 'JSON_RPC_-32602'],
    ['text', 'JSON_RPC_-32602'],
  ])('of a failed task takes the code of a JSON-RPC error with the data %j', async (data, code) => {
    await expect(ended(taskIn('failed'), refusing(-32602, 'No disk', data))).resolves.toMatchObject({
      outcome: { status: 'failed', error: { code, message: 'No disk' } },
    });
  });

  test('of a task that is said to be completed does not take a refusal to give its result for its end', async () => {
    await expect(ended(taskIn('completed'), refusing(-32603, 'later'))).rejects.toThrow(/later/);
  });

  test.each([
    [
      'a result of another task',
      { ...result, _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'task-2' } } },
    ],
    ['something else', { content: 5 }],
  ])('refuses %s', async (_what, answer) => {
    await expect(ended(taskIn('completed'), answer)).rejects.toThrow(ProtocolViolationError);
  });

  test('takes a result that names its own task', async () => {
    const named = { ...result, _meta: { 'io.modelcontextprotocol/related-task': { taskId: TASK_ID } } };
    await expect(ended(taskIn('completed'), named)).resolves.toMatchObject({ outcome: { result: named } });
  });

  test('of a cancelled task does not ask for a result, which there is none', async () => {
    const { raw, exchange } = await exchangeWith({
      'tasks/get': [taskIn('cancelled', { statusMessage: 'by hand' })],
    });
    await expect(tasks20251125.poll(handle, exchange)).resolves.toMatchObject({
      outcome: { status: 'cancelled', error: { code: 'CANCELLED', message: 'by hand' } },
    });
    expect(raw.count('tasks/result')).toBe(0);
  });
});

describe('a cancel', () => {
  const refused = { 'tasks/cancel': [refusing(-32602, 'Cannot cancel task in terminal status: completed')] };

  test('of a task that has ended already is none, and no error', async () => {
    const { exchange } = await exchangeWith({ ...refused, 'tasks/get': [taskIn('completed')] });
    await expect(tasks20251125.cancel(handle, exchange)).resolves.toBeUndefined();
  });

  test('of a task that the server does not know says so', async () => {
    const { exchange } = await exchangeWith({
      ...refused,
      'tasks/get': [refusing(-32602, 'Task not found')],
    });
    await expect(tasks20251125.cancel(handle, exchange)).rejects.toThrow(TaskNotFoundError);
  });
});
