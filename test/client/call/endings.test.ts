import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  AwaitAbortedError,
  AwaitDetachedError,
  AwaitTimeoutError,
  ServerUnavailableError,
} from '../../../src/errors.js';
import type { TaskReference } from '../../../src/types.js';
import { type AwaitFixture, awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import {
  cancelled,
  completed,
  pairTools,
  startCall,
  started,
  statusError,
  TASK_REF,
  working,
} from '../../fixtures/client/scripted-pair.js';
import { held, refuse, type Script, silence, text } from '../../fixtures/client/scripted-server.js';

const POLL = 'resolve_task_status';
const START = 'initiate_background_task';
const CANCEL = 'cancel_background_task';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A moment in the life of a call: where the server leaves it hanging. */
interface Moment {
  readonly scripts: Readonly<Record<string, Script>>;
  readonly call: { readonly name: string };
  readonly listing?: () => Promise<void>;
  /** Whether the call has a task that the caller can resume. */
  readonly resumable: boolean;
  /** Requests that are taken back. */
  readonly takenBack: number;
  readonly fate: RegExp;
}

const never = () => new Promise<void>(() => {});
const ofPair = { call: startCall, resumable: true, fate: /last seen `working` and may still be running/ };

/** All of them have been reached after 1500 ms. */
const moments: Readonly<Record<string, () => Moment>> = {
  'the tools are listed': () => ({
    ...ofPair,
    scripts: pairTools(completed),
    listing: never,
    resumable: false,
    takenBack: 0,
    fate: /It was not called/,
  }),
  'the start is under way': () => ({
    ...ofPair,
    scripts: pairTools(completed, silence),
    resumable: false,
    takenBack: 0,
    fate: /Its start was under way/,
  }),
  'a sleep lasts': () => ({ ...ofPair, scripts: pairTools(working), takenBack: 0 }),
  'a status request is open': () => ({ ...ofPair, scripts: pairTools(silence), takenBack: 1 }),
  'a failed status request waits to be repeated': () => ({
    ...ofPair,
    scripts: pairTools(statusError({ code: 'BUSY', retryable: true })),
    takenBack: 0,
  }),
  'a synchronous call is under way': () => ({
    call: { name: 'slow' },
    scripts: { slow: silence },
    resumable: false,
    takenBack: 1,
    fate: /no task of its own/,
  }),
};

function openAt({ scripts, listing }: Moment, options: object = {}): Promise<AwaitFixture> {
  return awaitFixture(scripts, { ...(listing && { beforeListing: listing }), ...options });
}

/** Requests that go on although nobody waits for them: the shared listing, and a start whose handle is still to come. */
const isLeftOpen = (name: string) => name === 'the tools are listed' || name === 'the start is under way';

async function expectNothingLeft(name: string, { client, server }: AwaitFixture, { takenBack }: Moment) {
  await vi.advanceTimersByTimeAsync(0);
  expect(server.count('notifications/cancelled')).toBe(takenBack);
  expect(vi.getTimerCount()).toBe(isLeftOpen(name) ? 2 : 0);
  const calls = server.calls.length;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(server.calls).toHaveLength(calls);
  expect(vi.getTimerCount()).toBe(0);
  await client.close();
}

describe.each(Object.entries(moments))('while %s', (name, moment) => {
  test('an abort ends the call at once, with the reason as cause, and leaves nothing behind', async () => {
    const at = moment();
    const fixture = await openAt(at);
    const controller = new AbortController();
    const failure = failureOf(
      fixture.client.callTool(at.call, undefined, { signal: controller.signal, deadlineMs: 3_600_000 }),
    );
    await vi.advanceTimersByTimeAsync(1500);
    const reason = new Error('the user left');
    controller.abort(reason);
    const error = await failure;
    expect(error).toBeInstanceOf(AwaitAbortedError);
    expect(error).toMatchObject({ code: 'ABORTED', tool: at.call.name, cause: reason });
    expect(error.reference !== undefined).toBe(at.resumable);
    expect(error.message).toMatch(at.fate);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    await expectNothingLeft(name, fixture, at);
  });

  test('the deadline ends the call to the millisecond, and leaves nothing behind', async () => {
    const at = moment();
    const fixture = await openAt(at);
    const ended = vi.fn();
    const failure = failureOf(fixture.client.callTool(at.call, undefined, { deadlineMs: 1500 }));
    failure.then(ended);
    await vi.advanceTimersByTimeAsync(1499);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    const error = await failure;
    expect(error).toBeInstanceOf(AwaitTimeoutError);
    expect(error).toMatchObject({ budget: 'deadline', tool: at.call.name });
    expect(error.reference !== undefined).toBe(at.resumable);
    expect(error.message).toMatch(/after 1.5 s \(`deadlineMs`, --timeout\)/);
    expect(error.message).toMatch(at.fate);
    await expectNothingLeft(name, fixture, at);
  });

  test('close() ends the call at once', async () => {
    const at = moment();
    const { client, server } = await openAt(at);
    const failure = failureOf(client.callTool(at.call));
    await vi.advanceTimersByTimeAsync(1500);
    await client.close();
    const error = await failure;
    expect(error).toBeInstanceOf(AwaitAbortedError);
    expect(error.message).toMatch(/The client was closed/);
    expect(error.message).toMatch(at.fate);
    expect(error.reference !== undefined).toBe(at.resumable);
    expect(server.client.transport).toBeUndefined();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('the end of the connection ends the call at once, and says what that means', async () => {
    const at = moment();
    const { client, server } = await openAt(at);
    const failure = failureOf(client.callTool(at.call));
    await vi.advanceTimersByTimeAsync(1500);
    await server.server.close();
    // A sleep or a pause ends with its next request.
    await vi.advanceTimersByTimeAsync(5000);
    const error = await failure;
    const unknown = name === 'the start is under way' || name === 'a synchronous call is under way';
    expect(error.name).toBe(unknown ? 'OutcomeUnknownError' : 'ServerUnavailableError');
    expect(error.reference !== undefined).toBe(at.resumable);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a call under a signal that has aborted is never sent', async () => {
  const { client, server } = await awaitFixture({ ...pairTools(completed), sync: text('done') });
  await client.listTools();
  for (const name of ['sync', START]) {
    const error = await failureOf(
      client.callTool({ name }, undefined, { signal: AbortSignal.abort('before') }),
    );
    expect(error).toMatchObject({ name: 'AwaitAbortedError', cause: 'before' });
  }
  expect(server.calls).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a call of a client that was closed is never sent', async () => {
  const { client, server } = await awaitFixture({ ...pairTools(completed), sync: text('done') });
  await client.listTools();
  await client.close();
  for (const name of ['sync', START])
    expect(await failureOf(client.callTool({ name }))).toMatchObject({ name: 'AwaitAbortedError' });
  expect(server.calls).toEqual([]);
});

test('a call over a connection that is gone says that it was not called', async () => {
  const { client, server } = await awaitFixture({ sync: text('done') });
  await server.server.close();
  const error = await failureOf(client.callTool({ name: 'sync' }));
  expect(error).toBeInstanceOf(ServerUnavailableError);
  expect(error.message).toMatch(/`sync` was not called/);
});

describe('an abort with `cancelOnAbort`', () => {
  test('asks the server to cancel the task, and says so', async () => {
    const { client, server, callTimes } = await awaitFixture(pairTools(working), { cancelOnAbort: true });
    const controller = new AbortController();
    const failure = failureOf(client.callTool(startCall, undefined, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(1500);
    controller.abort();
    const error = await failure;
    expect(error.message).toMatch(/The server was asked to cancel the task/);
    expect(error).toMatchObject({ reference: { handle: { ids: [TASK_REF] } } });
    await vi.advanceTimersByTimeAsync(0);
    expect(callTimes(CANCEL)).toEqual([1500]);
    expect(server.calls.at(-1)?.arguments).toEqual({ task_ref: TASK_REF });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is no unhandled rejection when the server refuses to cancel', async () => {
    const { client } = await awaitFixture(pairTools(working, started(), refuse(new Error('no'))), {
      cancelOnAbort: true,
    });
    const controller = new AbortController();
    const failure = failureOf(client.callTool(startCall, undefined, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(1500);
    controller.abort();
    await failure;
    await vi.advanceTimersByTimeAsync(0);
  });

  test('cancels nothing when another ending came first', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(working), { cancelOnAbort: true });
    const controller = new AbortController();
    const task = await client.startTool(startCall, { signal: controller.signal });
    const failure = failureOf(task.result());
    await vi.advanceTimersByTimeAsync(500);
    task.detach();
    controller.abort();
    expect(await failure).toBeInstanceOf(AwaitDetachedError);
    await vi.advanceTimersByTimeAsync(0);
    expect(callTimes(CANCEL)).toEqual([]);
  });

  test.each(['startTool', 'resumeTask'] as const)(
    'after %s acts at once, also while nobody asks for the result',
    async how => {
      const { client, callTimes } = await awaitFixture(pairTools(working), { cancelOnAbort: true });
      const controller = new AbortController();
      const options = { signal: controller.signal };
      let task = await client.startTool(startCall, how === 'startTool' ? options : {});
      if (how === 'resumeTask') task = await client.resumeTask(task.reference as TaskReference, options);
      controller.abort();
      await vi.advanceTimersByTimeAsync(0);
      expect(callTimes(CANCEL)).toEqual([0]);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
      expect(await failureOf(task.result())).toBeInstanceOf(AwaitAbortedError);
      expect(callTimes(POLL)).toEqual([]);
    },
  );

  test('is listened for no more once the handle is detached or has its result', async () => {
    const { client } = await awaitFixture(pairTools(completed));
    const { signal } = new AbortController();
    const [one, other] = [
      await client.startTool(startCall, { signal }),
      await client.startTool(startCall, { signal }),
    ];
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    one.detach();
    const result = other.result();
    await vi.advanceTimersByTimeAsync(1000);
    await result;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('of a resumed synchronous call, which nobody can cancel, still ends in an error of ours', async () => {
    const { client } = await awaitFixture({ slow: silence }, { cancelOnAbort: true });
    const controller = new AbortController();
    const reference = {
      version: 1,
      protocol: 'sync',
      tool: 'slow',
      handle: {},
      startedAt: new Date().toISOString(),
    } as const;
    const task = await client.resumeTask(reference, { signal: controller.signal });
    controller.abort();
    expect(await failureOf(task.result())).toBeInstanceOf(AwaitAbortedError);
  });
});

describe('a start whose answer comes when the wait is over', () => {
  const begin = async (options: object, callOptions: object = {}) => {
    const { reply, release } = held(started());
    const controller = new AbortController();
    const fixture = await awaitFixture(pairTools(working, reply), options);
    const failure = failureOf(
      fixture.client.callTool(startCall, undefined, { signal: controller.signal, ...callOptions }),
    );
    await vi.advanceTimersByTimeAsync(100);
    return { ...fixture, failure, controller, release };
  };
  const orphan = {
    type: 'task-orphaned',
    tool: START,
    reference: expect.objectContaining({ handle: { pair: 'mcp-await', ids: [TASK_REF] } }),
  };

  test.each([
    ['without an idempotency key', {}],
    ['with an idempotency key', { idempotencyKey: 'key-1' }],
  ])('is told as `task-orphaned` with a reference, %s', async (_name, callOptions) => {
    const { failure, controller, release, events, callTimes } = await begin({}, callOptions);
    controller.abort();
    expect((await failure).message).toContain('`task-orphaned`');
    expect(events).toEqual([]);
    release();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(events).toEqual([orphan]);
    expect(callTimes(POLL)).toEqual([]);
    expect(callTimes(CANCEL)).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ['without an idempotency key', {}],
    ['with an idempotency key', { idempotencyKey: 'key-1' }],
  ])('is cancelled with `cancelOnAbort`, %s', async (_name, callOptions) => {
    const { failure, controller, release, events, callTimes } = await begin(
      { cancelOnAbort: true },
      callOptions,
    );
    controller.abort();
    expect((await failure).message).toContain('it is asked to cancel it');
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(callTimes(CANCEL)).toHaveLength(1);
    expect(events).toEqual([orphan]);
  });

  test('is not cancelled when the deadline, not the caller, ended the wait', async () => {
    const { failure, release, events, callTimes } = await begin({ cancelOnAbort: true }, { deadlineMs: 200 });
    await vi.advanceTimersByTimeAsync(200);
    expect(await failure).toBeInstanceOf(AwaitTimeoutError);
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(events).toEqual([orphan]);
    expect(callTimes(CANCEL)).toEqual([]);
  });

  test('is nothing to tell when it refused the job', async () => {
    const { reply, release } = held(refuse(new Error('no')));
    const controller = new AbortController();
    const { client, events } = await awaitFixture(pairTools(working, reply));
    const failure = failureOf(client.callTool(startCall, undefined, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(100);
    controller.abort();
    await failure;
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(events).toEqual([]);
  });
});

describe('a start whose answer was lost', () => {
  const callWith = async (
    callOptions: object,
    start: Script = [silence, started()],
    options: object = {},
  ) => {
    const fixture = await awaitFixture(pairTools(completed, start), { requestTimeoutMs: 2000, ...options });
    const ended = failureOf(fixture.client.callTool(startCall, undefined, callOptions)).catch(
      () => undefined,
    );
    await vi.advanceTimersByTimeAsync(60_000);
    return { ...fixture, failure: await ended };
  };

  test('is sent again with the same idempotency key', async () => {
    const { server, failure, events } = await callWith({ idempotencyKey: 'key-1' });
    expect(failure).toBeUndefined();
    const starts = server.calls.filter(call => call.tool === START);
    expect(starts.map(call => call.arguments)).toEqual([
      { operation_type: 'sleep', idempotency_key: 'key-1' },
      { operation_type: 'sleep', idempotency_key: 'key-1' },
    ]);
    expect(events[0]).toMatchObject({ type: 'request-failed', retriesLeft: 5 });
  });

  test('is sent again with a key of our own where the caller gave none, another one for each call', async () => {
    const keysOf = ({ server }: { server: AwaitFixture['server'] }) =>
      server.calls.filter(call => call.tool === START).map(call => call.arguments.idempotency_key);
    const one = await callWith({});
    const other = await callWith({});
    expect(one.failure).toBeUndefined();
    const keys = [...keysOf(one), ...keysOf(other)];
    expect(keys).toEqual([keys[0], keys[0], keys[2], keys[2]]);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test('is not sent again where the tool takes no key: its outcome is unknown', async () => {
    const { failure, callTimes } = await callWith({}, [silence, started()], {
      definitions: { [START]: { inputSchema: { type: 'object', properties: { operation_type: {} } } } },
    });
    expect(failure).toMatchObject({ name: 'OutcomeUnknownError', code: 'OUTCOME_UNKNOWN', tool: START });
    expect(failure?.message).toMatch(/within 2 s \(`requestTimeoutMs`\).*may or may not have started/);
    expect(callTimes(START)).toHaveLength(1);
  });

  test('a tool that takes no key never gets one, and its call is never repeated', async () => {
    const { client, server } = await awaitFixture(
      { plain: silence },
      { silenceTimeoutMs: 2000, definitions: { plain: { annotations: { idempotentHint: true } } } },
    );
    const failure = failureOf(
      client.callTool({ name: 'plain', arguments: { a: 1 } }, undefined, { idempotencyKey: 'key-1' }),
    );
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ budget: 'silence' });
    expect(server.calls.map(call => call.arguments)).toEqual([{ a: 1 }]);
  });
});

describe('cancel()', () => {
  test('asks the server, and the next answer tells at once how the task ended', async () => {
    const { client, callTimes } = await awaitFixture(pairTools([working, cancelled]));
    const task = await client.startTool(startCall);
    const result = task.result();
    await vi.advanceTimersByTimeAsync(1500);
    await task.cancel();
    await expect(result).resolves.toMatchObject({
      isError: true,
      structuredContent: { status: 'cancelled', error: { code: 'CANCELLED' } },
    });
    expect(callTimes(POLL)).toEqual([1000, 1500]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('before the result is asked for spares it the first sleep', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(cancelled));
    const task = await client.startTool(startCall);
    await task.cancel();
    await expect(task.result()).resolves.toMatchObject({ structuredContent: { status: 'cancelled' } });
    expect(callTimes(POLL)).toEqual([0]);
  });

  test('of a task that ends otherwise gives that end', async () => {
    const { client } = await awaitFixture(pairTools(completed));
    const task = await client.startTool(startCall);
    await task.cancel();
    await expect(task.result()).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('that the server refuses throws, and the wait goes on', async () => {
    const refusal = statusError({ code: 'NO', message: 'too late', retryable: false });
    const { client } = await awaitFixture(pairTools(completed, started(), refusal));
    const task = await client.startTool(startCall);
    const result = task.result();
    const error = await failureOf(task.cancel());
    expect(error).toMatchObject({ name: 'StatusCheckError', tool: START, reference: task.reference });
    expect(error.message).toMatch(/could not cancel the task task-1: too late/);
    await vi.advanceTimersByTimeAsync(1000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('that is not answered in time says so', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(working, started(), silence), {
      requestRetries: 1,
    });
    const task = await client.startTool(startCall);
    const failure = failureOf(task.cancel());
    await vi.advanceTimersByTimeAsync(62_000);
    expect(callTimes(CANCEL)).toHaveLength(2);
    expect(await failure).toBeInstanceOf(ServerUnavailableError);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of a synchronous call cancels its request', async () => {
    const { client, server } = await awaitFixture({ slow: silence });
    const task = await client.startTool({ name: 'slow' });
    const failure = failureOf(task.result());
    await task.cancel();
    expect(await failure).toMatchObject({
      name: 'AwaitAbortedError',
      message: expect.stringContaining('cancel()'),
    });
    expect(server.count('notifications/cancelled')).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of a task that has ended does nothing', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(completed, refuse(new Error('never'))));
    const sync = await awaitFixture({ quick: text('done') });
    const task = await sync.client.startTool({ name: 'quick' });
    await task.result();
    await task.cancel();
    await expect(task.result()).resolves.toMatchObject({ content: [{ text: 'done' }] });
    expect(callTimes(CANCEL)).toEqual([]);
    await client.close();
  });
});

describe('detach()', () => {
  test('stops the wait at once, keeps the task, and leaves nothing behind', async () => {
    const { client, server, callTimes } = await awaitFixture(pairTools(working));
    const task = await client.startTool(startCall, { deadlineMs: 1e9 });
    const failure = failureOf(task.result());
    await vi.advanceTimersByTimeAsync(1500);
    task.detach();
    const error = await failure;
    expect(error).toBeInstanceOf(AwaitDetachedError);
    expect(error).toMatchObject({ code: 'DETACHED', reference: task.reference, snapshot: { attempt: 1 } });
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(callTimes(POLL)).toHaveLength(1);
    expect(callTimes(CANCEL)).toEqual([]);
    expect(server.count('notifications/cancelled')).toBe(0);
  });

  test('before the result is asked for means that nothing is ever polled', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(working));
    const task = await client.startTool(startCall);
    task.detach();
    expect(await failureOf(task.result())).toBeInstanceOf(AwaitDetachedError);
    expect(callTimes(POLL)).toEqual([]);
  });

  test('after the end changes nothing', async () => {
    const { client } = await awaitFixture(pairTools(completed));
    const task = await client.startTool(startCall);
    const result = task.result();
    await vi.advanceTimersByTimeAsync(1000);
    await result;
    task.detach();
    await expect(task.result()).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  });

  test.each([
    ['detach, then abort', 'AwaitDetachedError', ['detach', 'abort']],
    ['abort, then detach', 'AwaitAbortedError', ['abort', 'detach']],
    ['detach, then close', 'AwaitDetachedError', ['detach', 'close']],
    ['abort, then close', 'AwaitAbortedError', ['abort', 'close']],
    ['detach, then the deadline', 'AwaitDetachedError', ['detach', 'deadline']],
    ['the deadline, then detach', 'AwaitTimeoutError', ['deadline', 'detach']],
    ['the deadline, then abort', 'AwaitTimeoutError', ['deadline', 'abort']],
  ] as const)('and the other endings: the first cause wins (%s)', async (_name, expected, causes) => {
    const { client } = await awaitFixture(pairTools(working));
    const controller = new AbortController();
    const task = await client.startTool(startCall, { signal: controller.signal, deadlineMs: 5000 });
    const failure = failureOf(task.result());
    await vi.advanceTimersByTimeAsync(100);
    const bring = {
      detach: () => task.detach(),
      abort: () => controller.abort(),
      close: () => client.close(),
      deadline: () => vi.advanceTimersByTimeAsync(5000),
    };
    for (const cause of causes) await bring[cause]();
    expect((await failure).name).toBe(expected);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('many waits', () => {
  test('a thousand on one signal and one client warn of no leak and leave no listener', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    const { client, server } = await awaitFixture(pairTools([working, completed]), {
      maxPollsPerSecond: 1000,
    });
    const { signal } = new AbortController();
    const results = Promise.all(
      Array.from({ length: 1000 }, () => client.callTool(startCall, undefined, { signal, deadlineMs: 1e9 })),
    );
    await vi.advanceTimersByTimeAsync(500);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5000);
    await expect(results).resolves.toHaveLength(1000);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(server.count('tools/list')).toBe(1);
    vi.useRealTimers();
    await new Promise(resolve => setImmediate(resolve));
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });

  test('a thousand end at once with one abort', async () => {
    const { client } = await awaitFixture(pairTools(working));
    const controller = new AbortController();
    const failures = Promise.all(
      Array.from({ length: 1000 }, () =>
        failureOf(client.callTool(startCall, undefined, { signal: controller.signal })),
      ),
    );
    await vi.advanceTimersByTimeAsync(1500);
    controller.abort();
    for (const error of await failures) expect(error).toBeInstanceOf(AwaitAbortedError);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a wait of many polls gathers no listener on its signal', async () => {
    const { client } = await awaitFixture(pairTools(working));
    const { signal } = new AbortController();
    const failure = failureOf(
      client.callTool(startCall, undefined, { signal, maxAttempts: 200, maxIntervalMs: 1000 }),
    );
    await vi.advanceTimersByTimeAsync(100_000);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(await failure).toMatchObject({ budget: 'attempts' });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
