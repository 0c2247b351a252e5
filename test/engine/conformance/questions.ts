import { describe, expect, onTestFinished, test } from 'vitest';
import type { Execute } from '../../../src/engine/engine.js';
import type { InputRequest } from '../../../src/engine/question.js';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench, HandleOptions } from '../conformance.js';
import { eventually, HOUR_MS, ManualExecute, newTask, PROMPT_MS } from '../scripted.js';

/** Long enough for a worker that is free to take a task that waits. */
const SOON_MS = 300;
const LONG_MS = 20_000;

function question(message: string): InputRequest {
  const requestedSchema = { type: 'object', properties: { yes: { type: 'boolean' } } } as const;
  return { method: 'elicitation/create', params: { message, requestedSchema } };
}

const yes = { action: 'accept', content: { yes: true } } as const;
const no = { action: 'decline' } as const;

/** Runs that ask, and are answered. What happens when one of them dies is tested with real processes. */
export function describeQuestions({ open, unless }: Bench): void {
  async function openWorker(options: HandleOptions & { readonly concurrency?: number } = {}) {
    const engine = await open(options);
    const manual = new ManualExecute();
    const worker = engine.startWorker(manual.worker({ concurrency: options.concurrency ?? 5 }));
    return { engine, manual, worker };
  }

  type Opened = Awaited<ReturnType<typeof open>>;

  /** The record as soon as it has so many open questions. */
  async function asked(engine: Opened, taskRef: string, count = 1): Promise<TaskRecord> {
    return eventually(async () => {
      const record = await engine.find(taskRef);
      return Object.keys(record?.inputRequests ?? {}).length === count ? record : undefined;
    });
  }

  function keysOf(record: TaskRecord): readonly [string, ...string[]] {
    return Object.keys(record.inputRequests ?? {}) as [string, ...string[]];
  }

  describe('a question', () => {
    const handles = unless('several-handles');

    test('is told with the record until it is answered, and then the run goes on', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      expect((await engine.find(record.taskRef))?.inputRequests).toBeUndefined();
      const answer = started.context.ask({ place: 0, request: question('Sure?') });
      const asking = await asked(engine, record.taskRef);
      const [key] = keysOf(asking);
      expect(asking).toMatchObject({ status: 'processing', inputRequests: { [key]: question('Sure?') } });
      const answered = await engine.answer(record.taskRef, { [key]: yes });
      expect(answered).toMatchObject({ status: 'processing', inputRequests: undefined });
      expect(await answer).toEqual(yes);
      started.complete('done');
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS })).toMatchObject({
        status: 'completed',
        inputRequests: undefined,
      });
    });

    test('may be one of many at the same time, and Node warns of no leak', async () => {
      const warnings: Error[] = [];
      const note = (warning: Error) => warnings.push(warning);
      process.on('warning', note);
      onTestFinished(() => void process.off('warning', note));
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      const answers = Array.from({ length: 20 }, (_, place) =>
        started.context.ask({ place, request: question(`Sure of ${place}?`) }),
      );
      const keys = keysOf(await asked(engine, record.taskRef, 20));
      await engine.answer(record.taskRef, Object.fromEntries(keys.map(key => [key, yes])));
      expect(await Promise.all(answers)).toEqual(answers.map(() => yes));
      started.complete(null);
      await engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS });
      expect(warnings).toEqual([]);
    });

    test('is answered once: the first answer counts, and unknown keys are left alone', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      const answer = started.context.ask({ place: 0, request: question('Sure?') });
      const [key] = keysOf(await asked(engine, record.taskRef));
      const untouched = await engine.answer(record.taskRef, { other: no, __proto__: no, toString: no });
      expect(keysOf(untouched as TaskRecord)).toEqual([key]);
      await Promise.all([
        engine.answer(record.taskRef, { [key]: yes }),
        engine.answer(record.taskRef, { [key]: no }),
      ]);
      const first = await answer;
      expect([yes, no]).toContainEqual(first);
      await engine.answer(record.taskRef, { [key]: { action: 'cancel' } });
      expect(await started.context.ask({ place: 0, request: question('Sure?') })).toEqual(first);
    });

    test('may be one of several at a time, answered in any order', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const { context } = await manual.next();
      const answers = [0, 1, 2].map(place => context.ask({ place, request: question(`Number ${place}?`) }));
      const asking = await asked(engine, record.taskRef, 3);
      const messages = Object.values(asking.inputRequests ?? {}).map(({ params }) => params.message);
      expect(messages).toEqual(['Number 0?', 'Number 1?', 'Number 2?']);
      const [first, second, third] = keysOf(asking) as readonly [string, string, string];
      await engine.answer(record.taskRef, { [third]: no });
      expect(await answers[2]).toEqual(no);
      expect(keysOf(await asked(engine, record.taskRef, 2))).toEqual([first, second]);
      await engine.answer(record.taskRef, { [first]: yes, [second]: no });
      expect(await Promise.all(answers)).toEqual([yes, no, no]);
    });

    test('keeps every character of what is asked and answered', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const { context } = await manual.next();
      const text = 'nul \u0000, lone \ud800, quote ", backslash \\, 雪';
      const answer = context.ask({ place: 0, request: question(text) });
      const asking = await asked(engine, record.taskRef);
      const [key] = keysOf(asking);
      expect(asking.inputRequests?.[key]?.params.message).toBe(text);
      await engine.answer(record.taskRef, { [key]: { action: 'accept', content: { text } } });
      expect(await answer).toEqual({ action: 'accept', content: { text } });
    });

    test('ends without an answer when the time that the task may wait is over', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask({ inputTimeoutMs: 50 }));
      const { context } = await manual.next();
      expect(await context.ask({ place: 0, request: question('Anybody?') })).toBeUndefined();
      expect(await engine.find(record.taskRef)).toMatchObject({
        status: 'processing',
        inputRequests: undefined,
      });
      // The time is that of all questions together, and the same question is not asked again.
      expect(await context.ask({ place: 1, request: question('Nobody?') })).toBeUndefined();
      expect(await context.ask({ place: 0, request: question('Anybody?') })).toBeUndefined();
    });

    test('ends at once when the task is cancelled, and cannot be answered any more', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      const answer = started.context.ask({ place: 0, request: question('Sure?') });
      const [key] = keysOf(await asked(engine, record.taskRef));
      answer.catch(() => {});
      const cancelled = await engine.cancel(record.taskRef);
      expect(cancelled).toMatchObject({ status: 'cancelled', inputRequests: undefined });
      await expect(answer).rejects.toThrow();
      expect(started.context.signal.aborted).toBe(true);
      started.complete('late');
      expect(await engine.answer(record.taskRef, { [key]: yes })).toStrictEqual(cancelled);
    });

    test('takes no place of the worker', async () => {
      const { engine, manual } = await openWorker({ concurrency: 1 });
      const tasks = [newTask(), newTask()] as const;
      for (const task of tasks) await engine.submit(task);
      const first = await manual.next();
      const answer = first.context.ask({ place: 0, request: question('Sure?') });
      const second = await manual.next();
      const [key] = keysOf(await asked(engine, tasks[0].taskRef));
      await engine.answer(tasks[0].taskRef, { [key]: yes });
      // It goes on although the one place is taken.
      expect(await answer).toEqual(yes);
      const third = newTask();
      await engine.submit(third);
      first.complete(1);
      await engine.waitForEnd(tasks[0].taskRef, { timeoutMs: LONG_MS });
      await sleep(SOON_MS);
      expect(manual.startedRefs).not.toContain(third.taskRef);
      second.complete(2);
      expect((await manual.next()).record.taskRef).toBe(third.taskRef);
    });

    test('is seen in the stats, where the wait for its answer is no part of the duration', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      const answer = started.context.ask({ place: 0, request: question('Sure?') });
      const [key] = keysOf(await asked(engine, record.taskRef));
      expect(await engine.stats(HOUR_MS)).toMatchObject([{ pending: 0, processing: 1, asking: 1 }]);
      await sleep(1000);
      await engine.answer(record.taskRef, { [key]: yes });
      await answer;
      started.complete('done');
      const ended = await engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS });
      const { startedAt = 0, endedAt = 0, waitedMs = 0 } = ended ?? {};
      expect(waitedMs).toBeGreaterThanOrEqual(1000);
      const [stats] = await engine.stats(HOUR_MS);
      expect(stats).toMatchObject({ processing: 0, asking: 0, completed: 1 });
      expect(stats?.recent.meanDurationMs).toBe(endedAt - startedAt - waitedMs);
    });

    test('of no task is answered with nothing', async () => {
      const engine = await open();
      expect(await engine.answer('nobody', { a: yes })).toBeUndefined();
    });

    handles('is answered through any process, promptly', async () => {
      const { engine, manual } = await openWorker();
      const front = await open();
      const { record } = await front.submit(newTask());
      const { context } = await manual.next();
      const answer = context.ask({ place: 0, request: question('Sure?') });
      const [key] = keysOf(await asked(front, record.taskRef));
      await sleep(SOON_MS);
      const answeredAt = performance.now();
      await front.answer(record.taskRef, { [key]: yes });
      expect(await answer).toEqual(yes);
      expect(performance.now() - answeredAt).toBeLessThan(PROMPT_MS);
      expect((await engine.find(record.taskRef))?.inputRequests).toBeUndefined();
    });
  });

  describe('a run that waits for an answer', () => {
    const handles = unless('several-handles');

    handles('is handed back at once by a drain, whatever its grace, and run again by another', async () => {
      const lost: TaskRecord[] = [];
      const first = await openWorker({ onLost: record => lost.push(record) });
      const front = await open();
      const { record } = await front.submit(newTask());
      const started = await first.manual.next();
      const answers = [
        started.context.ask({ place: 0, request: question('One?') }),
        started.context.ask({ place: 1, request: question('Two?') }),
      ];
      for (const answer of answers) answer.catch(() => {});
      const [one, two] = keysOf(await asked(front, record.taskRef, 2)) as readonly [string, string];
      await front.answer(record.taskRef, { [one]: yes });
      expect(await answers[0]).toEqual(yes);
      const drainedAt = performance.now();
      await first.worker.drain(60_000);
      expect(performance.now() - drainedAt).toBeLessThan(10_000);
      await expect(answers[1]).rejects.toThrow();
      expect(started.context.signal.aborted).toBe(true);
      const waiting = await asked(front, record.taskRef);
      expect(waiting).toMatchObject({ status: 'pending', runCount: 1, excusedRuns: 1, retryAttempts: 0 });
      expect(keysOf(waiting)).toEqual([two]);

      await front.answer(record.taskRef, { [two]: no });
      const second = await openWorker({ onLost: record => lost.push(record) });
      const again = await second.manual.next();
      expect(again.record).toMatchObject({ taskRef: record.taskRef, runCount: 2, excusedRuns: 1 });
      expect(await again.context.ask({ place: 0, request: question('One?') })).toEqual(yes);
      expect(await again.context.ask({ place: 1, request: question('Two?') })).toEqual(no);
      again.complete('done');
      expect(await front.waitForEnd(record.taskRef, { timeoutMs: LONG_MS })).toMatchObject({
        status: 'completed',
        result: 'done',
      });
      expect(lost).toEqual([]);
    });

    handles('asks anew what it asks otherwise the next time', async () => {
      const first = await openWorker();
      const front = await open();
      const { record } = await front.submit(newTask());
      const { context } = await first.manual.next();
      const answer = context.ask({ place: 0, request: question('One?') });
      const [one] = keysOf(await asked(front, record.taskRef));
      await front.answer(record.taskRef, { [one]: yes });
      expect(await answer).toEqual(yes);
      context.ask({ place: 1, request: question('Two?') }).catch(() => {});
      const [two] = keysOf(await asked(front, record.taskRef));
      await first.worker.drain(0);

      const second = await openWorker();
      const again = await second.manual.next();
      const other = again.context.ask({ place: 0, request: question('Something else?') });
      const anew = await eventually(async () => {
        const found = await front.find(record.taskRef);
        return found && !keysOf(found).includes(two) ? found : undefined;
      });
      const [key] = keysOf(anew);
      expect([one, two]).not.toContain(key);
      await front.answer(record.taskRef, { [one]: no, [two]: no });
      expect(keysOf((await front.find(record.taskRef)) as TaskRecord)).toEqual([key]);
      await front.answer(record.taskRef, { [key]: yes });
      expect(await other).toEqual(yes);
    });

    handles('is no more than another run once it goes on: stopped then, its task fails', async () => {
      const { engine, manual, worker } = await openWorker();
      const front = await open();
      const { record } = await engine.submit(newTask());
      const { context } = await manual.next();
      const answer = context.ask({ place: 0, request: question('Sure?') });
      const [key] = keysOf(await asked(engine, record.taskRef));
      await engine.answer(record.taskRef, { [key]: yes });
      await answer;
      await worker.drain(0);
      expect(await front.find(record.taskRef)).toMatchObject({
        status: 'failed',
        error: { code: 'WORKER_STOPPED' },
      });
    });

    handles('loses no answer to workers that come and go while it is given', async () => {
      const front = await open();
      const tasks = Array.from({ length: 30 }, () => newTask());
      for (const task of tasks) await front.submit(task);
      let answerCount = 0;
      const execute: Execute = async (_task, context) => {
        const answers = [];
        for (const place of [0, 1, 2]) {
          answers.push((await context.ask({ place, request: question(`Number ${place}?`) }))?.action);
          answerCount += 1;
        }
        return { status: 'completed', result: answers };
      };
      const answering = tasks.map(async ({ taskRef }, index) => {
        let record = (await front.find(taskRef)) as TaskRecord;
        while (record.endedAt === undefined) {
          const responses = Object.fromEntries(
            Object.keys(record.inputRequests ?? {}).map(key => [key, yes]),
          );
          await sleep((index * 7) % 40);
          record = (await front.answer(taskRef, responses)) ?? record;
          const known = record;
          // It may have asked anew meanwhile.
          if (known.inputRequests !== undefined) continue;
          record = (await front.waitForChange(taskRef, { known, timeoutMs: LONG_MS })) ?? record;
        }
        return record;
      });
      let isOver = false;
      // Should the answers take too long, no worker is opened on the store of the next test.
      onTestFinished(() => {
        isOver = true;
      });
      const workers = (async () => {
        while (!isOver) {
          const engine = await open();
          const worker = engine.startWorker({ execute, operations: ['echo'], concurrency: 5 });
          // Each worker gets some answers, however slow the store and the machine are.
          const goal = answerCount + 10;
          while (answerCount < goal && !isOver) await sleep(5);
          await worker.drain(LONG_MS);
          await engine.close();
        }
      })();
      const ended = await Promise.all(answering);
      isOver = true;
      await workers;
      for (const record of ended) {
        expect(record).toMatchObject({ status: 'completed', result: ['accept', 'accept', 'accept'] });
      }
    });

    handles('is not waited for by a worker that finishes: it goes back to the queue', async () => {
      const { engine, manual, worker } = await openWorker();
      const front = await open();
      const [asking, working] = [newTask(), newTask()];
      await engine.submit(asking);
      const first = await manual.next();
      first.context.ask({ place: 0, request: question('Sure?') }).catch(() => {});
      await asked(engine, asking.taskRef);
      await engine.submit(working);
      const second = await manual.next();
      let isFinished = false;
      const finished = worker.finish().then(() => {
        isFinished = true;
      });
      await sleep(SOON_MS);
      expect(isFinished).toBe(false);
      expect(await engine.find(asking.taskRef)).toMatchObject({ status: 'processing' });
      second.complete('done');
      await finished;
      expect(await front.find(working.taskRef)).toMatchObject({ status: 'completed' });
      expect(await front.find(asking.taskRef)).toMatchObject({ status: 'pending', excusedRuns: 1 });
      expect(first.context.signal.aborted).toBe(true);
    });
  });

  describe('a wait for a change', () => {
    test('ends when the task starts, reports, asks, is answered and ends', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      const next = async (known: TaskRecord) =>
        (await engine.waitForChange(record.taskRef, { known, timeoutMs: LONG_MS })) as TaskRecord;
      const running = await next(record);
      expect(running).toMatchObject({ status: 'processing' });

      const reported = next(running);
      started.context.reportProgress({ progress: 1 });
      expect(await reported).toMatchObject({ progress: { progress: 1 } });

      const asking = next(await reported);
      const answer = started.context.ask({ place: 0, request: question('Sure?') });
      const [key] = keysOf(await asking);
      expect(await asking).toMatchObject({ inputRequests: { [key]: question('Sure?') } });

      const answered = next(await asking);
      await engine.answer(record.taskRef, { [key]: yes });
      expect(await answered).toMatchObject({ status: 'processing', inputRequests: undefined });
      await answer;

      const ended = next(await answered);
      started.complete('done');
      expect(await ended).toMatchObject({ status: 'completed', result: 'done' });
    });

    test('ends at once where the record differs already, has ended, or is none', async () => {
      const { engine, manual } = await openWorker();
      const { record } = await engine.submit(newTask());
      (await manual.next()).complete('done');
      const ended = await engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS });
      const wait = { known: record, timeoutMs: LONG_MS };
      expect(await engine.waitForChange(record.taskRef, wait)).toStrictEqual(ended);
      // Nothing changes any more.
      const known = ended as TaskRecord;
      expect(await engine.waitForChange(record.taskRef, { ...wait, known })).toStrictEqual(ended);
      expect(await engine.waitForChange('nobody', wait)).toBeUndefined();
    });

    test('ends when its time is up, with its signal and with the engine', async () => {
      const { engine } = await openWorker();
      const { record: known } = await engine.submit(newTask({ operation: 'unknown' }));
      expect(await engine.waitForChange(known.taskRef, { known, timeoutMs: 30 })).toStrictEqual(known);
      const controller = new AbortController();
      const reason = new Error('Enough');
      const { signal } = controller;
      const aborted = engine.waitForChange(known.taskRef, { known, timeoutMs: LONG_MS, signal });
      controller.abort(reason);
      await expect(aborted).rejects.toBe(reason);
      const open = engine.waitForChange(known.taskRef, { known, timeoutMs: LONG_MS });
      await sleep(20);
      await engine.close();
      expect(await open).toStrictEqual(known);
    });

    test('of many on one task all end', async () => {
      const { engine, manual } = await openWorker();
      const { record: known } = await engine.submit(newTask());
      const { context } = await manual.next();
      const running = (await engine.find(known.taskRef)) as TaskRecord;
      const waits = Array.from({ length: 500 }, () =>
        engine.waitForChange(known.taskRef, { known: running, timeoutMs: LONG_MS }),
      );
      context.reportProgress({ progress: 7 });
      for (const record of await Promise.all(waits)) {
        expect(record).toMatchObject({ progress: { progress: 7 } });
      }
    });

    unless('several-handles')('hears of what other processes do, within a second', async () => {
      const { manual } = await openWorker();
      const front = await open();
      const { record } = await front.submit(newTask());
      const started = await manual.next();
      const next = async (known: TaskRecord) => {
        const changed = await front.waitForChange(record.taskRef, { known, timeoutMs: LONG_MS });
        return [changed as TaskRecord, performance.now()] as const;
      };
      const [running] = await next(record);
      const steps: readonly (() => unknown)[] = [
        () => started.context.reportProgress({ progress: 1 }),
        () => void started.context.ask({ place: 0, request: question('Sure?') }).catch(() => {}),
        () => started.complete('done'),
      ];
      let known = running;
      for (const step of steps) {
        const wait = next(known);
        await sleep(SOON_MS);
        const begunAt = performance.now();
        step();
        const [changed, changedAt] = await wait;
        expect(changedAt - begunAt).toBeLessThan(PROMPT_MS);
        known = changed;
      }
      expect(known).toMatchObject({ status: 'completed' });
    });
  });
}
