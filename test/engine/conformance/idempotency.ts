import { describe, expect, test } from 'vitest';
import type { Bench } from '../conformance.js';
import { ManualClock } from '../manual-clock.js';
import { echo, HOUR_MS, newTask, OPERATION } from '../scripted.js';

export function describeIdempotency({ open, unless }: Bench): void {
  describe('idempotency keys', () => {
    test('answers the earlier record for a key that was used already', async () => {
      const engine = await open();
      const first = await engine.submit(newTask({ idempotencyKey: 'k' }));
      const second = await engine.submit(newTask({ idempotencyKey: 'k', parameters: { other: true } }));
      expect(second).toStrictEqual({ record: first.record, created: false });
    });

    test('shows the state that the earlier task is in by then', async () => {
      const engine = await open();
      engine.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const { record } = await engine.submit(newTask({ idempotencyKey: 'k', parameters: 7 }));
      await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
      const again = await engine.submit(newTask({ idempotencyKey: 'k', parameters: 7 }));
      expect(again).toMatchObject({ created: false, record: { status: 'completed', result: 7 } });
    });

    test('holds a key for one owner and one operation only', async () => {
      const engine = await open();
      const tasks = [{}, { owner: 'bob' }, { operation: 'other' }, { owner: 'bob', operation: 'other' }];
      for (const task of tasks)
        expect(await engine.submit(newTask({ ...task, idempotencyKey: 'k' }))).toMatchObject({
          created: true,
        });
    });

    test.each(['', ' ', 'K', 'k ', 'k\0a', 'k\0b', 'k\0', '\ud800', 'ключ', "k'; --"])(
      'takes %j for a key of its own',
      async idempotencyKey => {
        const engine = await open();
        await engine.submit(newTask({ idempotencyKey: 'k' }));
        const first = await engine.submit(newTask({ idempotencyKey }));
        const second = await engine.submit(newTask({ idempotencyKey }));
        expect(first.created).toBe(true);
        expect(second).toStrictEqual({ record: first.record, created: false });
      },
    );

    test('never merges tasks without a key', async () => {
      const engine = await open();
      await engine.submit(newTask());
      expect(await engine.submit(newTask())).toMatchObject({ created: true });
    });

    test('creates one task for many calls at once', async () => {
      const engine = await open();
      const submissions = await Promise.all(
        Array.from({ length: 100 }, () => engine.submit(newTask({ idempotencyKey: 'k' }))),
      );
      expect(submissions.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(submissions.map(({ record }) => record.taskRef)).size).toBe(1);
    });

    unless('several-handles')('creates one task for calls through many handles', async () => {
      const engines = await Promise.all([open(), open(), open()]);
      const submissions = await Promise.all(
        engines.flatMap(engine =>
          Array.from({ length: 20 }, () => engine.submit(newTask({ idempotencyKey: 'k' }))),
        ),
      );
      expect(submissions.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(submissions.map(({ record }) => record.taskRef)).size).toBe(1);
    });

    unless('clock')('frees a key on the millisecond at which its task expires', async () => {
      const clock = new ManualClock();
      const engine = await open({ clock });
      const first = await engine.submit(newTask({ idempotencyKey: 'k', ttlMs: HOUR_MS }));
      clock.pass(HOUR_MS - 1);
      expect(await engine.submit(newTask({ idempotencyKey: 'k' }))).toMatchObject({ created: false });
      clock.pass(1);
      const later = await engine.submit(newTask({ idempotencyKey: 'k' }));
      expect(later.created).toBe(true);
      expect(later.record.taskRef).not.toBe(first.record.taskRef);
      expect(await engine.find(first.record.taskRef)).toBeUndefined();
      expect(await engine.submit(newTask({ idempotencyKey: 'k' }))).toStrictEqual({
        record: later.record,
        created: false,
      });
    });
  });
}
