import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { readStoredTask } from '../../../src/engine/stored-task.js';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { sleep } from '../../../src/time/sleep.js';
import { type Fault, faultProxy, type SeenRequest } from '../../fixtures/faults/fault-proxy.js';
import { lostMessage, refused, throttled } from '../../services/aws-faults.js';
import { describeWithAws } from '../../services/index.js';
import { echo, eventually, ManualExecute, newTask, OPERATION } from '../scripted.js';
import { newTestStore } from './test-store.js';

const WORKER = { execute: echo, operations: [OPERATION], concurrency: 3 };
const MINUTE_MS = 60_000;

describeWithAws('the store on DynamoDB and SQS, with faults on the way there', aws => {
  async function newStore() {
    const [table, queue] = await Promise.all([faultProxy(aws().dynamodb.url), faultProxy(aws().sqs.url)]);
    onTestFinished(async () => {
      await Promise.all([table[Symbol.asyncDispose](), queue[Symbol.asyncDispose]()]);
    });
    const endpoints = { dynamodb: table.origin, sqs: queue.origin };
    return { store: await newTestStore(aws(), endpoints), toTable: table, toQueue: queue };
  }

  /** A fault for the first `count` requests that match. */
  function first(
    count: number,
    matches: (request: SeenRequest) => boolean,
    fault: (request: SeenRequest) => Fault,
  ) {
    let left = count;
    return (request: SeenRequest) => (matches(request) && left-- > 0 ? fault(request) : undefined);
  }
  const dropped = (): Fault => ({ kind: 'drop', when: 'after' });
  const is = (what: string) => (request: SeenRequest) => request.what === what;

  test('a write whose answer was lost counts, and counts once', async () => {
    const { store, toTable } = await newStore();
    const { tasks } = store;
    const losing = async <Value>(what: string, write: () => Promise<Value>) => {
      toTable.decide = first(1, is(what), dropped);
      return write();
    };
    const task = newTask({ retryAttempts: 1 });
    const stored = await losing('PutItem', () => tasks.insert(task, 'front'));
    expect(stored.created).toBe(true);
    const begin = async (taskRef: string) => {
      const item = await tasks.read(taskRef);
      const claimed = item && (await losing('UpdateItem', () => tasks.claim(item)));
      return claimed?.run ?? expect.unreachable('The claim was lost.');
    };
    const error = { code: 'WORKER_LOST', message: 'Lost.', retryable: true };
    const { taskRef } = task;
    expect(await losing('UpdateItem', () => tasks.adopt(taskRef, 'front'))).toBe(true);
    const run = await begin(taskRef);
    const released = () => tasks.release(run, error);
    expect(await losing('UpdateItem', released)).toMatchObject({ status: 'pending' });
    const next = await begin(taskRef);
    const lost = await losing('UpdateItem', () => tasks.release(next, error));
    expect(lost && readStoredTask(lost)).toMatchObject({ status: 'failed', error });
    const other = newTask();
    await tasks.insert(other, 'front');
    const last = await begin(other.taskRef);
    await losing('UpdateItem', () => tasks.end(last, { status: 'completed', result: '"done"', error: null }));
    expect(await tasks.find(other.taskRef)).toMatchObject({ result: 'done', runCount: 1 });
  });

  test('a task with a key is known again by whoever has stored it, once DynamoDB has forgotten the request', async () => {
    const { store, toTable } = await newStore();
    const faults = [dropped, forgotten];
    toTable.decide = first(2, is('TransactWriteItems'), request => faults.shift()?.(request) ?? dropped());
    const task = newTask({ idempotencyKey: 'once' });
    expect(await store.tasks.insert(task, 'front')).toMatchObject({ created: true });
    const again = await store.tasks.insert(newTask({ idempotencyKey: 'once' }), 'front');
    expect(again).toMatchObject({ created: false, record: { taskRef: task.taskRef } });
  });

  test('transactions that get into the way of each other are made again', async () => {
    const { store, toTable } = await newStore();
    const reasons = [{ Code: 'None' }, { Code: 'TransactionConflict' }];
    const facts = { CancellationReasons: reasons };
    toTable.decide = first(3, is('TransactWriteItems'), () =>
      refused('TransactionCanceledException', { facts }),
    );
    const stored = await store.tasks.insert(newTask({ idempotencyKey: 'once' }), 'front');
    expect(stored.created).toBe(true);
    expect(toTable.seen.filter(is('TransactWriteItems'))).toHaveLength(4);
  });

  test('tasks run once each while a third of all requests is throttled', async () => {
    const { store, toTable, toQueue } = await newStore();
    const engine = await store.open();
    engine.startWorker(WORKER);
    let count = 0;
    toTable.decide = ({ what, body }) => {
      if (count++ % 3 !== 0) return undefined;
      return what === 'BatchGetItem' ? unprocessed(body) : throttled();
    };
    toQueue.decide = () => (count++ % 3 === 0 ? throttled('ThrottlingException') : undefined);
    const submissions = await Promise.all(
      Array.from({ length: 2 }, (_, index) => engine.submit(newTask({ idempotencyKey: String(index) }))),
    );
    for (const { record } of submissions) {
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 30_000 });
      expect(end).toMatchObject({ status: 'completed', runCount: 1 });
    }
  });

  test('an outage of both ends no task, and those who wait hear of the end', async () => {
    const { store, toTable, toQueue } = await newStore();
    const [front, back] = [await store.open(), await store.open()];
    const manual = new ManualExecute();
    back.startWorker(manual.worker({ concurrency: 2 }));
    const { record } = await front.submit(newTask());
    const end = front.waitForEnd(record.taskRef, { timeoutMs: 30_000 });
    const running = await manual.next();
    for (const proxy of [toTable, toQueue]) proxy.target = undefined;
    running.complete('done');
    const during = front.submit(newTask());
    await sleep(3000);
    toTable.target = aws().dynamodb.url;
    toQueue.target = aws().sqs.url;
    expect(await end).toMatchObject({ status: 'completed', result: 'done', runCount: 1 });
    const { record: later } = await during;
    (await manual.next()).complete('too');
    expect(await front.waitForEnd(later.taskRef, { timeoutMs: 30_000 })).toMatchObject({ result: 'too' });
  });

  test('a read that misses what is new takes no task away from those who count on it', async () => {
    const { store, toTable } = await newStore();
    const engine = await store.open();
    const manual = new ManualExecute();
    const worker = engine.startWorker(manual.worker());
    const isLate = ({ what, body }: SeenRequest) =>
      what === 'BatchGetItem' && !body.includes('"ConsistentRead":true');
    toTable.decide = request => (isLate(request) ? empty() : undefined);
    const [first, second] = [await engine.submit(newTask()), await engine.submit(newTask())];
    const running = await manual.next();
    const end = engine.waitForEnd(second.record.taskRef, { timeoutMs: 30_000 });
    await eventually(() => toTable.seen.filter(isLate).length >= 2);
    const finished = worker.finish();
    running.complete('done');
    (await manual.next()).complete('too');
    await finished;
    expect(await end).toMatchObject({ status: 'completed', result: 'too' });
    expect(await engine.find(first.record.taskRef)).toMatchObject({ result: 'done' });
  });

  test('a message that was lost is sent again, although its front lives', async () => {
    const { store, toQueue } = await newStore();
    const front = await store.openWith({ beatMs: 100, overdueMs: 500 });
    (await store.open()).startWorker(WORKER);
    toQueue.decide = first(1, is('SendMessageBatch'), lostMessage);
    const { record } = await front.submit(newTask());
    expect(await front.waitForEnd(record.taskRef, { timeoutMs: 20_000 })).toMatchObject({ runCount: 1 });
    expect(toQueue.seen.filter(is('SendMessageBatch'))).toHaveLength(2);
  });

  test('a message that comes again while its task is held for its time is not taken for another one', async () => {
    const { store, toQueue } = await newStore();
    const engine = await store.openWith({ hiddenMs: 0 });
    const worker = engine.startWorker(WORKER);
    const { record } = await engine.submit(newTask({ delayMs: 900 }));
    const isRemoved = () => toQueue.seen.some(is('DeleteMessageBatch'));
    const hides = () => toQueue.seen.filter(is('ChangeMessageVisibilityBatch'));
    await eventually(() => isRemoved() || hides().length > 0);
    await worker.drain(0);
    (await store.open()).startWorker(WORKER);
    expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 })).toMatchObject({ runCount: 1 });
  });

  test('a task whose parameters cannot be fetched stays in the queue, and is run once they can', async () => {
    const { store, toTable } = await newStore();
    const engine = await store.openWith({ hiddenMs: 1000 });
    const isOfParts = ({ what, body }: SeenRequest) => what === 'Query' && body.includes('parameters#');
    toTable.decide = first(1, isOfParts, () => refused('AccessDeniedException'));
    const parameters = 'x'.repeat(2000);
    const { record } = await engine.submit(newTask({ parameters }));
    engine.startWorker(WORKER);
    const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
    expect(end).toMatchObject({ status: 'completed', result: parameters, runCount: 1 });
    expect(toTable.seen.filter(isOfParts)).toHaveLength(2);
  });

  test('a task of a dead worker that cannot be read is failed, and holds up no other', async () => {
    const { store } = await newStore();
    const { tasks, table, keys } = store;
    const lost = Array.from({ length: 2 }, () => newTask());
    for (const task of lost) {
      await tasks.insert(task, 'front');
      const item = await tasks.read(task.taskRef);
      if (item !== undefined) await tasks.claim(item);
    }
    const [unreadable, readable] = lost.map(({ taskRef }) => taskRef) as [string, string];
    const statePartition = keys.statePartition('unfinished', unreadable);
    for (const [taskRef, questions] of [
      [unreadable, 'none'],
      [readable, '[]'],
    ] as const)
      await table.update(keys.task(taskRef), {
        set: { questions, statePartition },
        condition: 'attribute_exists(#pk)',
      });
    const told: TaskRecord[] = [];
    await store.open({ leaseMs: 1000, onLost: record => told.push(record) });
    await eventually(() => told.length === 2, 20_000);
    const codes = told.map(({ taskRef, error }) => [taskRef, error?.code]);
    expect(new Map(codes as [string, string][])).toEqual(
      new Map([
        [unreadable, 'INVALID_RECORD'],
        [readable, 'WORKER_LOST'],
      ]),
    );
  });

  test('a sweep that takes long lets no engine look dead', async () => {
    const { store, toTable } = await newStore();
    const leaseMs = 2000;
    const [front, back] = [await store.open({ leaseMs }), await store.open({ leaseMs })];
    const manual = new ManualExecute();
    back.startWorker(manual.worker());
    const { record } = await front.submit(newTask());
    const running = await manual.next();
    const isOfSweep = ({ what, body }: SeenRequest) => what === 'Query' && body.includes('"states"');
    toTable.decide = request => (isOfSweep(request) ? { kind: 'delay', delayMs: leaseMs } : undefined);
    await sleep(2 * leaseMs);
    expect(toTable.seen.filter(isOfSweep).length).toBeGreaterThan(16);
    toTable.decide = () => undefined;
    running.complete('done');
    const end = await front.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
    expect(end).toMatchObject({ status: 'completed', runCount: 1 });
  });

  describe('a delay of more than fifteen minutes', () => {
    const delaysOf = ({ body }: SeenRequest): readonly number[] =>
      JSON.parse(body).Entries.map(({ DelaySeconds }: { DelaySeconds: number }) => DelaySeconds);

    test('is no delay that SQS is asked for: the message is sent once it is near enough', async () => {
      const { store, toQueue } = await newStore();
      const front = await store.open();
      onTestFinished(() => void vi.useRealTimers());
      const at = Date.now();
      const sent = () => toQueue.seen.filter(is('SendMessageBatch'));
      const { record } = await front.submit(newTask({ delayMs: 16 * MINUTE_MS }));
      await front.close();
      expect(sent()).toEqual([]);
      // Only the wall clock jumps: what is measured in between goes on.
      vi.useFakeTimers({ toFake: ['Date'], now: at + 1.5 * MINUTE_MS });
      const next = await store.openWith({ beatMs: 50 });
      await sleep(500);
      expect(sent()).toEqual([]);
      vi.setSystemTime(at + 3 * MINUTE_MS);
      await eventually(() => sent().length > 0);
      expect(sent().flatMap(delaysOf)).toEqual([expect.closeTo(13 * 60, -1)]);
      expect(await next.find(record.taskRef)).toMatchObject({ status: 'pending', runCount: 0 });
    });

    test('ends in time: the task begins when it is due', async () => {
      const { store, toQueue } = await newStore();
      const front = await store.openWith({ beatMs: 100, maxDelayMs: 1500 });
      front.startWorker(WORKER);
      const { record } = await front.submit(newTask({ delayMs: 3000 }));
      const end = await front.waitForEnd(record.taskRef, { timeoutMs: 30_000 });
      expect(end).toMatchObject({ status: 'completed', runCount: 1 });
      expect((end?.startedAt ?? 0) - record.createdAt).toBeGreaterThanOrEqual(3000);
      expect(Math.max(...toQueue.seen.filter(is('SendMessageBatch')).flatMap(delaysOf))).toBeLessThan(2);
    });
  });
});

/** What a transaction is told that was made already, by a DynamoDB that does not know its token. */
function forgotten({ body }: SeenRequest): Fault {
  const CancellationReasons = JSON.parse(body).TransactItems.map(({ Put }: { Put: { Item: object } }) => ({
    Code: 'ConditionalCheckFailed',
    Item: Put.Item,
  }));
  return refused('TransactionCanceledException', { facts: { CancellationReasons } });
}

/** A `BatchGetItem` of which nothing was done. */
function unprocessed(body: string): Fault {
  return answered({ Responses: {}, UnprocessedKeys: JSON.parse(body).RequestItems });
}

/** A `BatchGetItem` that finds nothing. */
function empty(): Fault {
  return answered({ Responses: {}, UnprocessedKeys: {} });
}

function answered(answer: object): Fault {
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  return { kind: 'status', when: 'before', status: 200, headers, body: JSON.stringify(answer) };
}
