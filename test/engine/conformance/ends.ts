import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { ManualClock } from '../manual-clock.js';
import { eventually, HOUR_MS, ManualExecute, newTask, PROMPT_MS } from '../scripted.js';

export function describeEnds({ open, unless }: Bench): void {
  async function runOne(engineOptions: Parameters<typeof open>[0] = {}) {
    const engine = await open(engineOptions);
    const manual = new ManualExecute();
    engine.startWorker(manual.worker());
    const { record } = await engine.submit(newTask({ idempotencyKey: 'k' }));
    const started = await manual.next();
    const ended = () => engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
    return { engine, manual, started, ended, taskRef: record.taskRef };
  }

  describe('progress', () => {
    test('shows the first report at once', async () => {
      const { engine, started, taskRef } = await runOne();
      const progress = { progress: 1, total: 3, message: 'one of three' };
      started.context.reportProgress(progress);
      const found = await eventually(async () => {
        const record = await engine.find(taskRef);
        return record?.progress === undefined ? undefined : record;
      }, PROMPT_MS);
      expect(found).toMatchObject({ status: 'processing', progress });
      expect(found.updatedAt).toBeGreaterThanOrEqual(found.startedAt ?? Number.POSITIVE_INFINITY);
    });

    test('shows the latest of many reports within a moment, and not every one of them', async () => {
      const { engine, started, taskRef } = await runOne();
      const seen = new Set<number>();
      for (let step = 1; step <= 500; step++) {
        started.context.reportProgress({ progress: step });
        if (step % 10 === 0) seen.add((await engine.find(taskRef))?.progress?.progress ?? 0);
      }
      expect(seen.size).toBeLessThan(25);
      await eventually(async () => (await engine.find(taskRef))?.progress?.progress === 500, PROMPT_MS);
    });

    test('keeps the last report when the task ends right after it', async () => {
      const { started, ended } = await runOne();
      started.context.reportProgress({ progress: 1 });
      started.context.reportProgress({ progress: 2 });
      started.complete('done');
      expect(await ended()).toMatchObject({ status: 'completed', progress: { progress: 2 } });
    });

    test('takes no report after the end', async () => {
      const { engine, started, ended, taskRef } = await runOne();
      started.complete('done');
      const end = await ended();
      started.context.reportProgress({ progress: 1 });
      expect(await engine.find(taskRef)).toStrictEqual(end);
    });
  });

  describe('ends', () => {
    test('that a run comes to is no reason to abort it', async () => {
      const { started, ended } = await runOne();
      started.complete('done');
      await ended();
      await sleep(20);
      expect(started.context.signal.aborted).toBe(false);
    });

    test.each([null, 0, '', false, [], {}, { text: 'nul \0, 🦊 \ud800' }, 'plain', [1, [2]]])(
      'completes a task with the result %j',
      async result => {
        const { started, ended } = await runOne();
        started.complete(result);
        const record = await ended();
        expect(record).toMatchObject({ status: 'completed', error: undefined });
        expect(record?.result).toStrictEqual(result);
        expect(record?.endedAt).toBe(record?.updatedAt);
        expect(record?.endedAt).toBeGreaterThanOrEqual(record?.startedAt ?? Number.POSITIVE_INFINITY);
      },
    );

    test('completes a task without a result with null', async () => {
      const { started, ended } = await runOne();
      started.complete(undefined);
      expect(await ended()).toMatchObject({ status: 'completed', result: null });
    });

    test('fails a task with its error', async () => {
      const { started, ended } = await runOne();
      const error = { code: 'UPSTREAM', message: 'It said "no" \0', retryable: true };
      started.end({ status: 'failed', error });
      const record = await ended();
      expect(record).toMatchObject({ status: 'failed', result: undefined });
      expect(record?.error).toStrictEqual(error);
    });

    test('fails a task whose executor breaks its promise and rejects', async () => {
      const engine = await open();
      engine.startWorker({
        operations: [newTask().operation],
        concurrency: 1,
        execute: async () => {
          throw new Error('Broken');
        },
      });
      const { record } = await engine.submit(newTask());
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 })).toMatchObject({
        status: 'failed',
        error: { message: 'Broken', retryable: false },
      });
    });

    test('keeps a result of just the largest size', async () => {
      const { started, ended } = await runOne({ maxResultBytes: 10 });
      started.complete('12345678');
      expect(await ended()).toMatchObject({ status: 'completed', result: '12345678' });
    });

    test.each(['123456789', 'äöüäö', { a: 'bcde' }])(
      'fails a task with the too large result %j',
      async result => {
        const { started, ended } = await runOne({ maxResultBytes: 10 });
        started.complete(result);
        const record = await ended();
        expect(record).toMatchObject({
          status: 'failed',
          result: undefined,
          error: { code: 'RESULT_TOO_LARGE', retryable: false },
        });
        expect(record?.error?.message).toContain('10');
      },
    );

    test('fails a task whose result is no JSON', async () => {
      const { started, ended } = await runOne();
      started.complete({ big: 1n });
      expect(await ended()).toMatchObject({ status: 'failed', error: { code: 'INVALID_RESULT' } });
    });

    test('goes on with the next task after each of them', async () => {
      const { engine, manual, started } = await runOne();
      const next = await engine.submit(newTask());
      started.end({ status: 'failed', error: { code: 'X', message: 'x', retryable: false } });
      expect((await manual.next()).record.taskRef).toBe(next.record.taskRef);
    });

    unless('clock')('keeps an ended task for its time from the end on, to the millisecond', async () => {
      const clock = new ManualClock();
      const { engine, started, ended, taskRef } = await runOne({ clock });
      clock.pass(HOUR_MS / 2);
      started.complete('done');
      const record = await ended();
      expect(record?.expiresAt).toBe(clock.now() + HOUR_MS);
      clock.pass(HOUR_MS - 1);
      expect(await engine.find(taskRef)).toStrictEqual(record);
      clock.pass(1);
      expect(await engine.find(taskRef)).toBeUndefined();
    });

    unless('clock')('does not forget a task that runs, however long it does', async () => {
      const clock = new ManualClock();
      const { engine, started, ended, taskRef } = await runOne({ clock });
      clock.pass(48 * HOUR_MS);
      expect(await engine.find(taskRef)).toMatchObject({ status: 'processing' });
      expect(await engine.submit(newTask({ idempotencyKey: 'k' }))).toMatchObject({ created: false });
      started.complete('late');
      expect(await ended()).toMatchObject({ status: 'completed', result: 'late' });
    });
  });
}
