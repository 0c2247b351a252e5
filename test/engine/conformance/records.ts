import { describe, expect, test } from 'vitest';
import { digestJson } from '../../../src/storage/canonical-json.js';
import type { Bench } from '../conformance.js';
import { ManualClock } from '../manual-clock.js';
import { HOUR_MS, newTask } from '../scripted.js';

export function describeRecords({ open, unless }: Bench): void {
  describe('records', () => {
    test('answers a submitted task with its record, pending', async () => {
      const engine = await open();
      const before = Date.now();
      const task = newTask({ owner: 'bob', slaMs: 1234, ttlMs: 5678 });
      const { record, created } = await engine.submit(task);
      expect(created).toBe(true);
      expect(record).toStrictEqual({
        taskRef: task.taskRef,
        owner: 'bob',
        operation: task.operation,
        status: 'pending',
        parametersDigest: digestJson(task.parameters),
        createdAt: expect.any(Number),
        updatedAt: record.createdAt,
        startedAt: undefined,
        endedAt: undefined,
        expiresAt: record.createdAt + 5678,
        slaMs: 1234,
        runCount: 0,
        retryAttempts: 0,
        excusedRuns: 0,
        inputRequests: undefined,
        waitedMs: 0,
        webhookUrl: undefined,
        delivery: undefined,
        progress: undefined,
        result: undefined,
        error: undefined,
      });
      expect(record.createdAt).toBeGreaterThanOrEqual(before);
      expect(record.createdAt).toBeLessThanOrEqual(Date.now());
    });

    test('takes an SLA and a lifetime that are no whole milliseconds', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask({ slaMs: 0.5, ttlMs: 1000.25 }));
      expect(record).toMatchObject({ status: 'pending', slaMs: 1, expiresAt: record.createdAt + 1001 });
    });

    test('keeps how often a task may be run again, and its webhook', async () => {
      const engine = await open();
      const webhookUrl = 'https://example.com/hook?a=1';
      const { record } = await engine.submit(newTask({ retryAttempts: 3, webhookUrl }));
      expect(record).toMatchObject({ retryAttempts: 3, webhookUrl, delivery: undefined });
      expect(await engine.find(record.taskRef)).toStrictEqual(record);
    });

    test('keeps no task for longer than the store allows', async () => {
      const engine = await open({ retentionMs: 5000 });
      const { record: long } = await engine.submit(newTask({ ttlMs: HOUR_MS }));
      expect(long.expiresAt).toBe(long.createdAt + 5000);
      const { record: short } = await engine.submit(newTask({ ttlMs: 4000 }));
      expect(short.expiresAt).toBe(short.createdAt + 4000);
    });

    test('finds what was submitted, and nothing else', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask());
      expect(await engine.find(record.taskRef)).toStrictEqual(record);
      for (const other of [
        '',
        'nobody',
        record.taskRef.slice(0, -1),
        `${record.taskRef}\0`,
        `${record.taskRef} `,
      ])
        expect(await engine.find(other)).toBeUndefined();
    });

    test('keeps every task under its own owner', async () => {
      const engine = await open();
      const owners = ['alice', 'Alice', 'alice ', '', "o'wner", '所有者', '🦊'];
      for (const owner of owners) {
        const { record } = await engine.submit(newTask({ owner }));
        expect((await engine.find(record.taskRef))?.owner).toBe(owner);
      }
    });

    test('stores a thousand tasks that are submitted at once', async () => {
      const engine = await open();
      const submissions = await Promise.all(Array.from({ length: 1000 }, () => engine.submit(newTask())));
      expect(new Set(submissions.map(({ record }) => record.taskRef)).size).toBe(1000);
      for (const { record, created } of submissions) {
        expect(created).toBe(true);
        expect(await engine.find(record.taskRef)).toStrictEqual(record);
      }
    });

    unless('taken-reference')('refuses a reference that is taken, and leaves its task alone', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask());
      await expect(engine.submit(newTask({ taskRef: record.taskRef, owner: 'mallory' }))).rejects.toThrow();
      expect(await engine.find(record.taskRef)).toStrictEqual(record);
    });

    unless('clock')('forgets a pending task on the millisecond at which it expires', async () => {
      const clock = new ManualClock();
      const engine = await open({ clock });
      const { record } = await engine.submit(newTask({ ttlMs: HOUR_MS }));
      clock.pass(HOUR_MS - 1);
      expect(await engine.find(record.taskRef)).toStrictEqual(record);
      clock.pass(1);
      expect(await engine.find(record.taskRef)).toBeUndefined();
      expect(await engine.cancel(record.taskRef)).toBeUndefined();
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 60_000 })).toBeUndefined();
    });

    unless('clock')('does not run a task that has expired', async () => {
      const clock = new ManualClock();
      const engine = await open({ clock });
      await engine.submit(newTask({ ttlMs: 1000 }));
      const { record: fresh } = await engine.submit(newTask({ ttlMs: 1001 }));
      clock.pass(1000);
      const started: string[] = [];
      engine.startWorker({
        operations: [newTask().operation],
        concurrency: 5,
        execute: async ({ record }) => {
          started.push(record.taskRef);
          return { status: 'completed', result: null };
        },
      });
      await engine.waitForEnd(fresh.taskRef, { timeoutMs: 5000 });
      expect(started).toEqual([fresh.taskRef]);
    });
  });
}
