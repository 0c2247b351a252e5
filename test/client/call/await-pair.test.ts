import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  AwaitTimeoutError,
  ProtocolViolationError,
  ServerUnavailableError,
  StatusCheckError,
  TaskNotFoundError,
} from '../../../src/errors.js';
import type { Snapshot } from '../../../src/types.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import {
  cancelled,
  completed,
  failed,
  pairTools,
  startCall,
  started,
  status,
  statusError,
  TASK_REF,
  working,
} from '../../fixtures/client/scripted-pair.js';
import { json, type Reply, refuse, silence } from '../../fixtures/client/scripted-server.js';

const POLL = 'resolve_task_status';
const START = 'initiate_background_task';
const HOUR_MS = 3_600_000;

const reference = {
  version: 1,
  protocol: 'tool-pair',
  tool: START,
  handle: { pair: 'mcp-await', ids: [TASK_REF] },
  startedAt: expect.any(String),
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** `count` answers that say "running", then `last`. */
const runningThen = (count: number, last: Reply): Reply[] => [...Array<Reply>(count).fill(working), last];

describe('the wait for a task of a pair', () => {
  test('asks after exactly 1, 2, 4, 8, 16, 30 and 30 seconds, and gives the final result', async () => {
    const { client, callTimes, events } = await awaitFixture(pairTools(runningThen(6, completed)));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(91_000);
    await expect(result).resolves.toEqual({
      content: [{ type: 'text', text: '{"answer":42}' }],
      structuredContent: { answer: 42 },
    });
    expect(callTimes(START)).toEqual([0]);
    expect(callTimes(POLL)).toEqual([1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000]);
    expect(events.map(event => event.type)).toEqual([
      'task-started',
      'task-updated',
      ...Array(7).fill(['status-scheduled', 'status-requested', 'task-updated']).flat(),
      'task-ended',
    ]);
  });

  test('follows the hints of the start and of each answer, and its own pace without one', async () => {
    const { client, callTimes, events } = await awaitFixture(
      pairTools(
        [
          status('processing', { poll_after_ms: 5000 }),
          status('processing', { poll_after_ms: 0 }),
          status('processing', { poll_after_ms: 'soon' }),
          status('processing', { poll_after_ms: 7 * 24 * HOUR_MS }),
          completed,
        ],
        started({ poll_after_ms: 250 }),
      ),
    );
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    await result;
    expect(callTimes(POLL)).toEqual([250, 5250, 9250, 17_250, 107_250]);
    const requests = events.filter(event => event.type === 'status-requested');
    expect(requests.map(({ attempt, hintMs }) => [attempt, hintMs])).toEqual([
      [0, 250],
      [1, 5000],
      [2, 0],
      [3, undefined],
      [4, 7 * 24 * HOUR_MS],
    ]);
    expect(requests[0]?.reference.tool).toBe(startCall.name);
    const scheduled = events.filter(event => event.type === 'status-scheduled');
    expect(scheduled.map(event => event.delayMs)).toEqual([250, 5000, 4000, 8000, 90_000]);
  });

  test('takes intervals from the options of the client, and those of the call over them', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(runningThen(3, completed)), {
      initialIntervalMs: 100,
      backoffMultiplier: 3,
      maxIntervalMs: 5000,
    });
    const result = client.callTool(startCall, undefined, { maxIntervalMs: 400 });
    await vi.advanceTimersByTimeAsync(1200);
    await result;
    expect(callTimes(POLL)).toEqual([100, 400, 800, 1200]);
  });

  test('spreads its requests by chance within the jitter', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const { client, callTimes } = await awaitFixture(pairTools(runningThen(1, completed)), { jitter: 0.2 });
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(10_000);
    await result;
    expect(callTimes(POLL)).toEqual([900, 2700]);
    vi.mocked(Math.random).mockRestore();
  });

  test('tells every state with its attempt, its time and the answer as it came', async () => {
    const { client } = await awaitFixture(
      pairTools([
        status('processing', { progress: { progress: 1, total: 2, message: 'half way' } }),
        completed,
      ]),
    );
    const seen: Snapshot[] = [];
    const result = client.callTool(startCall, undefined, { onUpdate: update => seen.push(update) });
    await vi.advanceTimersByTimeAsync(3000);
    await result;
    expect(seen).toMatchObject([
      { status: 'working', attempt: 0, elapsedMs: 0, raw: { structuredContent: { status: 'queued' } } },
      {
        status: 'working',
        attempt: 1,
        elapsedMs: 1000,
        message: 'half way',
        progress: { progress: 1, total: 2, message: 'half way' },
        raw: { structuredContent: { status: 'processing' } },
      },
      {
        status: 'completed',
        attempt: 2,
        elapsedMs: 2000,
        raw: { structuredContent: { status: 'completed' } },
      },
    ]);
  });

  test('keeps the progress that is known where an answer says nothing of it', async () => {
    const half = { progress: 1, total: 2 };
    const start: Reply = async request => {
      await request.progress(half);
      return started()(request);
    };
    const { client } = await awaitFixture(pairTools([working, completed], start));
    const seen: Snapshot[] = [];
    const result = client.callTool(startCall, undefined, { onUpdate: update => seen.push(update) });
    await vi.advanceTimersByTimeAsync(3000);
    await result;
    expect(seen.map(({ status, progress }) => [status, progress?.progress])).toEqual([
      ['working', 1],
      ['working', 1],
      ['working', 1],
      ['completed', undefined],
    ]);
  });

  test('is not disturbed by a clock that jumps by hours', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(runningThen(3, completed)));
    const seen: Snapshot[] = [];
    const result = client.callTool(startCall, undefined, {
      deadlineMs: 20_000,
      onUpdate: update => seen.push(update),
    });
    for (const jumpMs of [5 * HOUR_MS, -9 * HOUR_MS, 48 * HOUR_MS]) {
      await vi.advanceTimersByTimeAsync(3000);
      vi.setSystemTime(Date.now() + jumpMs);
    }
    await vi.advanceTimersByTimeAsync(6000);
    await expect(result).resolves.toBeDefined();
    expect(callTimes(POLL)).toEqual([1000, 3000, 7000, 15_000]);
    expect(seen.at(-1)?.elapsedMs).toBe(15_000);
  });
});

describe('a task that did not complete', () => {
  test.each([
    ['failed', failed, { code: 'SLA_EXCEEDED', message: 'It took too long.', retryable: true }],
    ['cancelled', cancelled, { code: 'CANCELLED', message: 'Somebody stopped it.' }],
  ])('but %s is a result for models and programs', async (word, last, error) => {
    const { client, events } = await awaitFixture(pairTools(runningThen(1, last)));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(3000);
    await expect(result).resolves.toEqual({
      isError: true,
      content: [{ type: 'text', text: expect.stringContaining(`${error.code}: ${error.message}`) }],
      structuredContent: { status: word, error },
    });
    expect(events.at(-1)).toEqual({ type: 'task-ended', tool: START, status: word });
  });

  test('because the start refused it gives that answer, and nothing is polled', async () => {
    const payload = { error: { code: 'UNKNOWN_OPERATION', message: 'no such operation' } };
    const { client, callTimes } = await awaitFixture(pairTools(completed, json(payload, true)));
    await expect(client.callTool(startCall)).resolves.toMatchObject({
      isError: true,
      structuredContent: payload,
    });
    expect(callTimes(POLL)).toEqual([]);
  });

  test('because the server refused the call throws its McpError', async () => {
    const refused = new McpError(ErrorCode.InvalidParams, 'bad operation', { field: 'operation_type' });
    const { client } = await awaitFixture(pairTools(completed, refuse(refused)));
    const error = await failureOf(client.callTool(startCall));
    expect(error).toBeInstanceOf(McpError);
    expect(error).toMatchObject({ code: ErrorCode.InvalidParams, data: { field: 'operation_type' } });
  });
});

describe('attempts', () => {
  test('that are spent end with AwaitTimeoutError, the reference and the last state', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(working));
    const failure = failureOf(client.callTool(startCall, undefined, { maxAttempts: 3 }));
    await vi.advanceTimersByTimeAsync(7000);
    const error = await failure;
    expect(error).toBeInstanceOf(AwaitTimeoutError);
    expect(error).toMatchObject({
      code: 'AWAIT_TIMEOUT',
      budget: 'attempts',
      tool: START,
      reference,
      snapshot: { status: 'working', attempt: 3, elapsedMs: 7000 },
    });
    expect(error.message).toMatch(
      /3 status requests in 7 s \(`maxAttempts`, --max-attempts\).*may still be running: its reference resumes it/,
    );
    expect(callTimes(POLL)).toHaveLength(3);
  });

  test('are without limit by default', async () => {
    const { client } = await awaitFixture(pairTools(runningThen(300, completed)));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(3 * HOUR_MS);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('that the server hints at are not counted', async () => {
    const hinted = status('processing', { poll_after_ms: 1000 });
    const { client, callTimes } = await awaitFixture(
      pairTools([...Array.from({ length: 40 }, () => hinted), completed], started({ poll_after_ms: 1000 })),
    );
    const result = client.callTool(startCall, undefined, { maxAttempts: 2 });
    await vi.advanceTimersByTimeAsync(60_000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
    expect(callTimes(POLL)).toHaveLength(41);
  });

  test('at our own pace are counted, also between hints', async () => {
    const hinted = status('processing', { poll_after_ms: 1000 });
    const { client, callTimes } = await awaitFixture(pairTools([working, hinted, working, hinted, working]));
    const failure = failureOf(client.callTool(startCall, undefined, { maxAttempts: 2 }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ budget: 'attempts' });
    expect(callTimes(POLL)).toHaveLength(2);
  });

  test('are not spent by requests that failed', async () => {
    const { client, events } = await awaitFixture(
      pairTools([refuse(new Error('hiccup')), working, refuse(new Error('hiccup')), completed]),
    );
    const result = client.callTool(startCall, undefined, { maxAttempts: 2 });
    await vi.advanceTimersByTimeAsync(20_000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
    const failures = events.filter(event => event.type === 'request-failed');
    expect(failures).toMatchObject([
      { tool: START, retriesLeft: 5 },
      { tool: START, retriesLeft: 5 },
    ]);
  });
});

describe('a status request', () => {
  test.each<[string, Reply]>([
    ['an internal error', refuse(new McpError(ErrorCode.InternalError, 'oops'))],
    ["an error of the server's own", refuse(new McpError(-32_000, 'database is locked'))],
    ['an error that may pass', statusError({ code: 'BUSY', message: 'later', retryable: true })],
  ])('answered with %s is repeated and not fatal', async (_what, reply) => {
    const { client, callTimes } = await awaitFixture(pairTools([reply, reply, completed]));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
    expect(callTimes(POLL)).toHaveLength(3);
  });

  test('that is not answered in time is taken back and repeated', async () => {
    const { client, server } = await awaitFixture(pairTools([silence, completed]));
    const result = client.callTool(startCall, undefined, { requestTimeoutMs: 2000 });
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
    expect(server.count('notifications/cancelled')).toBe(1);
  });

  test('that fails for good says that contact, not the task, was lost', async () => {
    const { client, callTimes, events } = await awaitFixture(pairTools([working, silence]));
    const failure = failureOf(
      client.callTool(startCall, undefined, { requestRetries: 2, requestTimeoutMs: 1000 }),
    );
    await vi.advanceTimersByTimeAsync(30_000);
    const error = await failure;
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error).toMatchObject({ tool: START, reference, snapshot: { status: 'working', attempt: 1 } });
    expect(error.message).toMatch(/Contact with the server was lost .*may still be running/);
    expect(callTimes(POLL)).toHaveLength(1 + 3);
    expect(events.some(event => event.type === 'task-ended')).toBe(false);
  });

  test.each<[string, Reply, number]>([
    ['a JSON-RPC error that stays', refuse(new McpError(ErrorCode.MethodNotFound, 'no such tool')), 1],
    ['a JSON-RPC error that may pass', refuse(new McpError(ErrorCode.InternalError, 'oops')), 3],
    ['an error that stays', statusError({ code: 'BAD', message: 'never', retryable: false }), 1],
    ['an error that may pass', statusError({ code: 'BUSY', message: 'later', retryable: true }), 3],
  ])('answered with %s to the end says nothing about the task', async (_what, reply, requests) => {
    const { client, callTimes } = await awaitFixture(pairTools(reply));
    const failure = failureOf(client.callTool(startCall, undefined, { requestRetries: 2 }));
    await vi.advanceTimersByTimeAsync(30_000);
    const error = await failure;
    expect(error).toBeInstanceOf(StatusCheckError);
    expect(error).toMatchObject({ tool: START, reference, retryable: requests > 1 });
    expect(callTimes(POLL)).toHaveLength(requests);
  });

  test('about a task that the server does not know ends with TaskNotFoundError', async () => {
    const { client } = await awaitFixture(
      pairTools(statusError({ code: 'TASK_NOT_FOUND', message: 'gone', retryable: false })),
    );
    const failure = failureOf(client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(30_000);
    const error = await failure;
    expect(error).toBeInstanceOf(TaskNotFoundError);
    expect(error).toMatchObject({ code: 'TASK_NOT_FOUND', tool: START, reference });
  });

  test('about a task that the server does not know yet is repeated for some seconds', async () => {
    const unknown = statusError({ code: 'TASK_NOT_FOUND', message: 'gone', retryable: false });
    const { client } = await awaitFixture(pairTools([unknown, unknown, completed]));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('about a task that the server has forgotten later is not repeated', async () => {
    const unknown = statusError({ code: 'TASK_NOT_FOUND', message: 'gone', retryable: false });
    const { client, callTimes } = await awaitFixture(
      pairTools([status('processing', { poll_after_ms: 30_000 }), unknown, completed]),
    );
    const failure = failureOf(client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'TASK_NOT_FOUND', reference });
    expect(callTimes(POLL)).toHaveLength(2);
  });

  test('answered about another task ends with ProtocolViolationError and the reference', async () => {
    const { client } = await awaitFixture(pairTools(status('completed', { task_ref: 'task-2' })));
    const failure = failureOf(client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(1000);
    const error = await failure;
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error).toMatchObject({ tool: START, reference, snapshot: { status: 'working', attempt: 0 } });
  });

  test('answered with something that is no tool result ends with ProtocolViolationError', async () => {
    const { client } = await awaitFixture(pairTools(() => ({ content: 7 }) as never));
    const failure = failureOf(client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({ name: 'ProtocolViolationError', tool: START, reference });
  });
});

test('an unknown status word counts as running and is reported once per word', async () => {
  const { client, events } = await awaitFixture(
    pairTools([status('Resting'), status('Resting'), status('stretching'), completed]),
  );
  const result = client.callTool(startCall);
  await vi.advanceTimersByTimeAsync(15_000);
  await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  expect(events.filter(event => event.type === 'status-unknown')).toEqual([
    { type: 'status-unknown', tool: START, word: 'Resting' },
    { type: 'status-unknown', tool: START, word: 'stretching' },
  ]);
});

describe("a caller's callback that throws", () => {
  test.each([0, 1, 2])(
    'at update %d ends the wait with its own error, not with a tale of lost contact',
    async at => {
      const { client } = await awaitFixture(pairTools(runningThen(1, completed)));
      const mistake = new TypeError('undefined is not a function');
      let count = 0;
      const onUpdate = () => {
        if (count++ === at) throw mistake;
      };
      const failure = failureOf(client.callTool(startCall, undefined, { onUpdate }));
      await vi.advanceTimersByTimeAsync(10_000);
      expect(await failure).toBe(mistake);
    },
  );
});
