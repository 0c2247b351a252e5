import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { ClaimedTask, ExecutionContext } from '../../src/engine/engine.js';
import type { TaskRecord } from '../../src/engine/task-record.js';
import { type Operation, type OperationContext, OperationError } from '../../src/server/operation.js';
import { createExecute } from '../../src/server/runner.js';
import { unasked } from '../fixtures/server/unasked.js';

type Run = Operation['run'];

const never: Run = () => new Promise(() => {});

interface ExecuteOptions
  extends Partial<Pick<TaskRecord, 'slaMs' | 'retryAttempts' | 'runCount' | 'excusedRuns'>> {
  readonly ask?: ExecutionContext['ask'];
  readonly signal?: AbortSignal;
  readonly output?: z.ZodType;
}

function execute(run: Run, options: ExecuteOptions = {}) {
  const {
    signal = new AbortController().signal,
    output,
    slaMs = 30_000,
    ask = unasked.ask,
    ...record
  } = options;
  const operation = { name: 'work', description: 'Works.', input: z.unknown(), output, slaSeconds: 60, run };
  const reportProgress = vi.fn();
  const execution = createExecute([operation])(claimed('work', slaMs, record), {
    signal,
    reportProgress,
    ask,
  });
  return { execution, reportProgress };
}

function claimed(operation: string, slaMs: number, overrides: Partial<TaskRecord> = {}): ClaimedTask {
  const record = {
    taskRef: 'task-1',
    owner: 'local',
    operation,
    status: 'processing',
    parametersDigest: '',
    createdAt: 0,
    updatedAt: 0,
    startedAt: 0,
    endedAt: undefined,
    expiresAt: 0,
    slaMs,
    runCount: 1,
    retryAttempts: 0,
    excusedRuns: 0,
    inputRequests: undefined,
    waitedMs: 0,
    webhookUrl: undefined,
    delivery: undefined,
    progress: undefined,
    result: undefined,
    error: undefined,
    ...overrides,
  } as const;
  return { record, parameters: { size: 3 } };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('result', () => {
  test('is what the operation returns for the parameters', async () => {
    const { execution } = execute(async parameters => ({ got: parameters }));
    await expect(execution).resolves.toEqual({ status: 'completed', result: { got: { size: 3 } } });
  });

  test('is null when the operation returns nothing', async () => {
    await expect(execute(async () => undefined).execution).resolves.toEqual({
      status: 'completed',
      result: null,
    });
  });

  test('must match the output schema', async () => {
    const output = z.object({ count: z.number() });
    await expect(execute(async () => ({ count: 'many' }), { output }).execution).resolves.toMatchObject({
      status: 'failed',
      error: { code: 'INVALID_OUTPUT', message: expect.stringContaining('(count: '), retryable: false },
    });
    await expect(execute(async () => ({ count: 1 }), { output }).execution).resolves.toMatchObject({
      status: 'completed',
    });
  });

  const circle: unknown[] = [];
  circle.push(circle);

  test.each([
    ['a function', () => {}],
    ['a bigint', 1n],
    ['a circle', circle],
  ])('may not be %s', async (_, value) => {
    await expect(execute(async () => value).execution).resolves.toEqual({
      status: 'failed',
      error: {
        code: 'INVALID_OUTPUT',
        message: 'The result of operation work is no JSON value',
        retryable: false,
      },
    });
  });
});

describe('parameters', () => {
  const run = vi.fn(async parameters => parameters);
  const attempt = (input: z.ZodType, parameters: unknown) => {
    run.mockClear();
    const operation = { name: 'work', description: 'Works.', input, run };
    const context = { signal: new AbortController().signal, reportProgress: () => {}, ask: unasked.ask };
    return createExecute([operation])({ ...claimed('work', 30_000), parameters }, context);
  };

  test.each<[string, z.ZodType, unknown]>([
    ['of another type', z.object({ size: z.number() }), { size: 'large' }],
    ['with one missing', z.object({ size: z.number() }), {}],
    ['that are no object', z.object({ size: z.number() }), [1]],
    ['out of bounds', z.object({ size: z.number().max(5) }), { size: 6 }],
    ['null', z.object({}), null],
  ])('%s are not run', async (_, input, parameters) => {
    await expect(attempt(input, parameters)).resolves.toMatchObject({
      status: 'failed',
      error: { code: 'INVALID_PARAMETERS', retryable: false },
    });
    expect(run).not.toHaveBeenCalled();
  });

  const folder = z.string().transform(path => ({ root: '/srv', path }));
  const gone = z.string().transform(() => undefined);

  test.each<[string, z.ZodType, unknown]>([
    ['that a transform has made', z.object({ path: folder }), { path: { root: '/srv', path: 'a' } }],
    ['with a default', z.object({ size: z.number().default(3) }), { size: 3 }],
    ['that a default would change', z.object({ size: z.string().transform(Number) }), { size: 3 }],
    ['undefined, which a store keeps as null', z.object({}).optional(), null],
    ['of a schema that takes anything', z.unknown(), [1]],
    ['of which a transform has dropped one', z.object({ path: gone.optional() }), {}],
  ])('%s are run', async (_, input, parameters) => {
    await expect(attempt(input, parameters)).resolves.toMatchObject({ status: 'completed' });
  });
});

describe('failure', () => {
  test.each<[string, Run, object]>([
    [
      'an OperationError keeps its code',
      () => Promise.reject(new OperationError('UPSTREAM_BUSY', 'later', { retryable: true })),
      { code: 'UPSTREAM_BUSY', message: 'later', retryable: true },
    ],
    [
      'any other error keeps its message',
      () => Promise.reject(new TypeError('x is not a function')),
      { code: 'OPERATION_FAILED', message: 'x is not a function', retryable: false },
    ],
    [
      'an error without a message gives its name',
      () => Promise.reject(new RangeError()),
      { code: 'OPERATION_FAILED', message: 'RangeError', retryable: false },
    ],
    [
      'a thrown string is the message',
      () => Promise.reject('no luck'),
      { code: 'OPERATION_FAILED', message: 'no luck', retryable: false },
    ],
    [
      'an error thrown before the first await counts too',
      () => {
        throw new Error('at once');
      },
      { code: 'OPERATION_FAILED', message: 'at once', retryable: false },
    ],
  ])('%s', async (_, run, error) => {
    await expect(execute(run).execution).resolves.toEqual({ status: 'failed', error });
  });

  test('an unknown operation is named', async () => {
    const context = { signal: new AbortController().signal, reportProgress: () => {}, ...unasked };
    await expect(createExecute([])(claimed('fly', 1000), context)).resolves.toEqual({
      status: 'failed',
      error: {
        code: 'UNKNOWN_OPERATION',
        message: 'This worker has no operation named fly',
        retryable: false,
      },
    });
  });
});

describe('SLA', () => {
  const exceeded = {
    status: 'failed',
    error: {
      code: 'SLA_EXCEEDED',
      message: 'Operation work did not end within its SLA of 30 s',
      retryable: true,
    },
  };

  test('ends an operation that ignores its signal', async () => {
    const { execution } = execute(never);
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(execution).resolves.toEqual(exceeded);
  });

  test('wins over what the operation throws because of it, and swallows it', async () => {
    const run: Run = (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const { execution } = execute(run);
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(execution).resolves.toEqual(exceeded);
  });

  test('does not touch an operation that ends in time', async () => {
    const run: Run = () => new Promise(resolve => setTimeout(() => resolve('done'), 29_999));
    const { execution } = execute(run);
    await vi.advanceTimersByTimeAsync(29_999);
    await expect(execution).resolves.toEqual({ status: 'completed', result: 'done' });
  });

  test('may be shorter than a second', async () => {
    const { execution } = execute(never, { slaMs: 250 });
    await vi.advanceTimersByTimeAsync(250);
    await expect(execution).resolves.toMatchObject({ error: { message: expect.stringContaining('250 ms') } });
  });
});

describe('an operation that may be run again', () => {
  const busy = new OperationError('UPSTREAM_BUSY', 'later', { retryable: true });

  /** Fails so many times, then returns which run it was; the seconds at which the runs began. */
  function failing(times: number, error: unknown = busy) {
    const begunAt: number[] = [];
    const first = performance.now();
    const run: Run = async () => {
      begunAt.push((performance.now() - first) / 1000);
      if (begunAt.length <= times) throw error;
      return begunAt.length;
    };
    return { run, begunAt };
  }

  test('is, after 1 s, 2 s, 4 s, until it succeeds', async () => {
    const { run, begunAt } = failing(3);
    const { execution } = execute(run, { retryAttempts: 5 });
    await vi.advanceTimersByTimeAsync(7000);
    await expect(execution).resolves.toEqual({ status: 'completed', result: 4 });
    expect(begunAt).toEqual([0, 1, 3, 7]);
  });

  test.each([
    ['as often as it may', { retryAttempts: 2 }, 3],
    ['less often when runs were lost before', { retryAttempts: 2, runCount: 2 }, 2],
    ['no more when all runs but this were lost', { retryAttempts: 2, runCount: 3 }, 1],
    ['not when it may not', { retryAttempts: 0 }, 1],
    ['only while time is left: the last error tells more than the SLA', { retryAttempts: 9, slaMs: 6999 }, 3],
  ])('is, %s', async (_case, record, runCount) => {
    const { run, begunAt } = failing(99);
    const { execution } = execute(run, record);
    await vi.advanceTimersByTimeAsync(6000);
    await expect(execution).resolves.toEqual({ status: 'failed', error: busy.toTaskError() });
    expect(begunAt).toHaveLength(runCount);
  });

  test.each([
    ['an OperationError that is not retryable', new OperationError('NO', 'no'), 'NO'],
    ['any other error', new TypeError('x is not a function'), 'OPERATION_FAILED'],
    [
      'an error that only looks like a failure of the network',
      new TypeError('fetch failed'),
      'OPERATION_FAILED',
    ],
    ['what is no error', 'no luck', 'OPERATION_FAILED'],
    [
      'an SLA of work elsewhere',
      new OperationError('SLA_EXCEEDED', 'x', { retryable: true }),
      'SLA_EXCEEDED',
    ],
  ])('is not for %s', async (_case, error, code) => {
    const { run, begunAt } = failing(1, error);
    await expect(execute(run, { retryAttempts: 5 }).execution).resolves.toMatchObject({ error: { code } });
    expect(begunAt).toHaveLength(1);
  });

  test('is not once its SLA has passed', async () => {
    const run = vi.fn(never);
    const { execution } = execute(run, { retryAttempts: 5 });
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(execution).resolves.toMatchObject({ error: { code: 'SLA_EXCEEDED' } });
    expect(run).toHaveBeenCalledOnce();
  });

  test('ends at once when the engine aborts between two runs, and leaves no timer', async () => {
    const controller = new AbortController();
    const { run, begunAt } = failing(9);
    const { execution } = execute(run, { retryAttempts: 9, signal: controller.signal });
    await vi.advanceTimersByTimeAsync(500);
    controller.abort(new Error('drained'));
    await expect(execution).resolves.toMatchObject({ error: { code: 'WORKER_STOPPED' } });
    expect(begunAt).toEqual([0]);
  });
});

describe('engine signal', () => {
  test('ends the task at once, also when the operation ignores it', async () => {
    const controller = new AbortController();
    const { execution } = execute(never, { signal: controller.signal });
    controller.abort(new Error('drained'));
    await expect(execution).resolves.toMatchObject({
      status: 'failed',
      error: { code: 'WORKER_STOPPED', retryable: true },
    });
  });

  test('keeps the code when its reason has one', async () => {
    const controller = new AbortController();
    const { execution } = execute(never, { signal: controller.signal });
    controller.abort(new OperationError('LEASE_LOST', 'somebody else has it'));
    await expect(execution).resolves.toMatchObject({ error: { code: 'LEASE_LOST' } });
  });

  test('that has aborted already keeps the operation from starting', async () => {
    const run = vi.fn(never);
    await expect(execute(run, { signal: AbortSignal.abort() }).execution).resolves.toMatchObject({
      status: 'failed',
    });
    expect(run).not.toHaveBeenCalled();
  });
});

describe('progress', () => {
  test('is a fraction or counts', async () => {
    const { execution, reportProgress } = execute(async (_, { progress }) => {
      progress(0.5);
      progress({ current: 3, total: 4, message: 'files' });
      progress(0 / 0);
    });
    await execution;
    expect(reportProgress.mock.calls.flat()).toEqual([
      { progress: 0.5, total: 1 },
      { progress: 3, total: 4, message: 'files' },
    ]);
  });

  test('of an operation that outlived its task is dropped', async () => {
    let late: OperationContext | undefined;
    const { execution, reportProgress } = execute((_, context) => {
      late = context;
      return new Promise(() => {});
    });
    await vi.advanceTimersByTimeAsync(30_000);
    await execution;
    late?.progress(1);
    expect(reportProgress).not.toHaveBeenCalled();
  });
});
