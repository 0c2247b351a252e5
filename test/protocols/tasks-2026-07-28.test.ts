import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { sdkPort } from '../../src/client/sdk/sdk-port.js';
import { ProtocolViolationError, TaskNotFoundError } from '../../src/errors.js';
import type { Exchange } from '../../src/protocols/protocol.js';
import { tasks20260728 } from '../../src/protocols/tasks-2026-07-28.js';
import { unanswered } from '../fixtures/client/raw-server.js';
import {
  connectTaskServer,
  type Parts,
  refusing,
  TASK_ID,
  taskIn,
  textResult,
} from '../fixtures/client/task-server.js';
import { describeProtocol, type Scenario } from './conformance.js';

const tool: Tool = { name: 'research', inputSchema: { type: 'object' } };
const server = { tools: [tool], nativeTasks: '2026-07-28' as const };
const result = textResult('forty-two');
const started = { 'tools/call': [{ resultType: 'task', ...taskIn('working') }], 'tasks/cancel': [{}] };

const later: Record<Exclude<Scenario, 'silent'>, unknown> = {
  completed: taskIn('completed', { result: { resultType: 'complete', ...result } }),
  failed: taskIn('failed', {
    error: { code: -32603, message: 'It took too long.', data: { code: 'SLA_EXCEEDED', retryable: true } },
  }),
  cancelled: taskIn('cancelled'),
  'unknown-word': taskIn('pondering'),
  'other-task': taskIn('completed', { taskId: 'task-2', result }),
  unreadable: { weather: 'nice' },
  'not-found': refusing(-32602, 'Task not found'),
};

const partsOf = (scenario: Scenario): Parts =>
  scenario === 'silent'
    ? { 'tools/call': [unanswered], 'tasks/get': [unanswered] }
    : { ...started, 'tasks/get': [taskIn('working'), later[scenario]] };

describeProtocol('tasks-2026-07-28', {
  protocol: tasks20260728,
  tool,
  server,
  async open(scenario) {
    const { server: raw, client } = await connectTaskServer(partsOf(scenario));
    return {
      port: sdkPort(client),
      requestCount: () => raw.count('tools/call') + raw.count('tasks/get'),
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
const start = async (answer: unknown) => {
  const { exchange } = await exchangeWith({ 'tools/call': [answer] });
  return tasks20260728.plan(tool, server)?.start({ name: 'research' }, exchange);
};
const poll = async (answer: unknown) =>
  tasks20260728.poll(handle, (await exchangeWith({ 'tasks/get': [answer] })).exchange);

describe('a plan', () => {
  test.each([
    ['2026-07-28', undefined, true],
    ['2026-07-28', 'optional', true],
    ['2026-07-28', 'forbidden', false],
    ['2025-11-25', 'required', false],
    [undefined, undefined, false],
  ] as const)(
    'where the tasks are those of %s, for a tool whose support is %s: %s',
    (nativeTasks, taskSupport, planned) => {
      const given = { ...tool, ...(taskSupport && { execution: { taskSupport } }) };
      expect(tasks20260728.plan(given, { tools: [given], nativeTasks }) !== undefined).toBe(planned);
    },
  );
});

describe('a start', () => {
  test.each([
    ['a result', result, { status: 'completed', result }],
    ['a result that says so', { resultType: 'complete', ...result }, { status: 'completed' }],
    ['an error of the tool', textResult('no', true), { status: 'failed', error: { message: 'no' } }],
  ])('that is answered with %s is the end', async (_what, answer, outcome) => {
    await expect(start(answer)).resolves.toMatchObject({ kind: 'ended', outcome });
  });

  test.each([
    ['a task without an id', { resultType: 'task', status: 'working' }],
    ['no tool result', { content: 5 }],
  ])('that is answered with %s is a violation', async (_what, answer) => {
    await expect(start(answer)).rejects.toThrow(ProtocolViolationError);
  });

  test('hands on how often the server wants to be asked', async () => {
    const answer = { resultType: 'task', ...taskIn('working', { pollIntervalMs: 250 }) };
    await expect(start(answer)).resolves.toMatchObject({ kind: 'running', handle, leastMs: 250 });
  });
});

describe('a poll', () => {
  const elicit = { method: 'elicitation/create', params: { message: 'Which one?' } };

  test('tells what the task asks, and leaves out what is no question', async () => {
    const inputRequests = { a: elicit, b: { method: 'roots/list' }, c: null, d: { params: {} } };
    await expect(poll(taskIn('input_required', { inputRequests }))).resolves.toMatchObject({
      status: 'input_required',
      questions: { a: elicit, b: { method: 'roots/list', params: {} } },
    });
  });

  test.each([[undefined], [null], ['text'], [[elicit]]])(
    'reads inputRequests of %j as no question',
    async inputRequests => {
      const answer = await poll(taskIn('input_required', { inputRequests }));
      expect(answer).toMatchObject({ kind: 'running', questions: {} });
      expect(answer).not.toHaveProperty('questions.0');
    },
  );

  test('refuses a completed task without a result', async () => {
    await expect(poll(taskIn('completed'))).rejects.toThrow(ProtocolViolationError);
    await expect(poll(taskIn('completed', { result: { content: 5 } }))).rejects.toThrow(
      ProtocolViolationError,
    );
  });

  test.each([
    ['no error', {}, { code: 'TASK_FAILED' }],
    ['a code that is no number', { error: { code: 'X' } }, { code: 'TASK_FAILED' }],
    ['an error without a text', { error: { code: -32000 } }, { code: 'JSON_RPC_-32000' }],
  ])('of a failed task with %s always gives a code and a message', async (_what, fields, error) => {
    await expect(poll(taskIn('failed', fields))).resolves.toMatchObject({
      outcome: { status: 'failed', error: { ...error, message: expect.stringMatching(/./) } },
    });
  });
});

test('an answer goes to the server under its key', async () => {
  const { raw, exchange } = await exchangeWith({ 'tasks/update': [{}] });
  await tasks20260728.answer?.(handle, { a: { action: 'decline' } }, exchange);
  expect(raw.requests('tasks/update')).toEqual([
    { taskId: TASK_ID, inputResponses: { a: { action: 'decline' } } },
  ]);
});

test('a task that the server does not know cannot be cancelled or answered', async () => {
  const unknown = [refusing(-32602, 'Task not found')];
  const { exchange } = await exchangeWith({ 'tasks/cancel': unknown, 'tasks/update': unknown });
  await expect(tasks20260728.cancel(handle, exchange)).rejects.toThrow(TaskNotFoundError);
  await expect(tasks20260728.answer?.(handle, {}, exchange)).rejects.toThrow(TaskNotFoundError);
});
