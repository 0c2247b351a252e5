import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { eventually, ManualExecute, newTask } from '../scripted.js';

export function describeOwners({ open }: Bench): void {
  describe('owners', () => {
    test('take turns: one task does not wait behind the many of another', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      for (let count = 0; count < 200; count++) await engine.submit(newTask({ owner: 'bob' }));
      const { record } = await engine.submit(newTask({ owner: 'alice' }));
      engine.startWorker(manual.worker());
      for (let count = 0; count < 40 && !manual.startedRefs.includes(record.taskRef); count++)
        (await manual.next()).complete(null);
      await eventually(() => manual.startedRefs.includes(record.taskRef));
      expect(manual.started.length).toBeLessThan(50);
    });

    test('that have many each are served alike, each in its order', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      const refs: Record<string, string[]> = { alice: [], bob: [] };
      for (const owner of ['bob', 'alice'])
        for (let count = 0; count < 100; count++)
          refs[owner]?.push((await engine.submit(newTask({ owner }))).record.taskRef);
      engine.startWorker(manual.worker());
      for (let count = 0; count < 120; count++) (await manual.next()).complete(null);
      const begun = (owner: string) =>
        manual.started
          .slice(0, 120)
          .filter(({ record }) => record.owner === owner)
          .map(({ record }) => record.taskRef);
      expect(begun('alice').length).toBeGreaterThan(40);
      expect(begun('bob').length).toBeGreaterThan(40);
      for (const owner of ['alice', 'bob'])
        expect(begun(owner)).toEqual(refs[owner]?.slice(0, begun(owner).length));
    });

    test('leave places free for others, and what waits for one holds up nobody', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      engine.startWorker({ ...manual.worker({ concurrency: 10 }), shareOf: () => 0.8 });
      for (let count = 0; count < 40; count++) await engine.submit(newTask({ owner: 'bob' }));
      await eventually(() => manual.started.length === 8);
      await sleep(50);
      expect(manual.started).toHaveLength(8);
      const { record } = await engine.submit(newTask({ owner: 'alice' }));
      await eventually(() => manual.startedRefs.includes(record.taskRef));
      // And the places of the many are given on, too.
      for (let count = 0; count < 20; count++) (await manual.next()).complete(null);
      await eventually(() => manual.started.length >= 28);
    });

    test('may have so many unfinished tasks, and others are not concerned', async () => {
      const engine = await open();
      const limited = (owner: string, idempotencyKey?: string) =>
        engine.submit(newTask({ owner, maxUnfinished: 3, idempotencyKey }));
      for (const key of ['one', 'two', 'three']) await limited('bob', key);
      await expect(limited('bob')).rejects.toMatchObject({ name: 'TooManyTasksError', maxUnfinished: 3 });
      expect(await limited('bob', 'two')).toMatchObject({ created: false });
      const { record } = await limited('alice');
      await engine.cancel(record.taskRef);
      const [first] = await Promise.all(['one'].map(key => limited('bob', key)));
      await engine.cancel(first?.record.taskRef ?? '');
      expect(await limited('bob')).toMatchObject({ created: true });
      // The server's own tasks have no limit.
      expect(await engine.submit(newTask({ owner: 'bob' }))).toMatchObject({ created: true });
    });
  });
}
