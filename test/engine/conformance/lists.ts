import { describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/engine/engine.js';
import { type ListOptions, MAX_LIST_LIMIT } from '../../../src/engine/task-list.js';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { ManualClock } from '../manual-clock.js';
import { eventually, ManualExecute, newTask } from '../scripted.js';

type Filter = Omit<ListOptions, 'cursor' | 'limit'> & { readonly limit?: number };

/** All pages of a list, and what happens between two of them. */
async function pagesOf(
  engine: Engine,
  filter: Filter,
  between: () => Promise<unknown> = async () => {},
): Promise<readonly (readonly TaskRecord[])[]> {
  const pages: (readonly TaskRecord[])[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.list({ limit: 100, ...filter, cursor });
    pages.push(page.tasks);
    cursor = page.nextCursor;
    await between();
  } while (cursor !== undefined);
  return pages;
}

async function refsOf(engine: Engine, filter: Filter = {}): Promise<readonly string[]> {
  return (await pagesOf(engine, filter)).flat().map(({ taskRef }) => taskRef);
}

const submitTo = async (engine: Engine, overrides: Parameters<typeof newTask>[0] = {}) =>
  (await engine.submit(newTask(overrides))).record.taskRef;

export function describeLists({ open, unless }: Bench): void {
  describe('lists', () => {
    test('of an empty store are one empty page', async () => {
      expect(await (await open()).list({ limit: 1 })).toEqual({ tasks: [], nextCursor: undefined });
    });

    test('have the records as they are found, the newest first', async () => {
      const engine = await open();
      const refs: string[] = [];
      for (const operation of ['zip', 'echo', 'zip']) {
        refs.unshift(await submitTo(engine, { operation }));
        await sleep(2);
      }
      const { tasks } = await engine.list({ limit: 10 });
      expect(tasks.map(({ taskRef }) => taskRef)).toEqual(refs);
      for (const task of tasks) expect(task).toStrictEqual(await engine.find(task.taskRef));
    });

    test('leave out results, and nothing else', async () => {
      const engine = await open();
      const work = new ManualExecute();
      engine.startWorker(work.worker());
      for (const result of ['short', 'long '.repeat(50_000)]) {
        const taskRef = await submitTo(engine);
        const { context, complete } = await work.next();
        context.reportProgress({ progress: 1, total: 2, message: 'half' });
        complete(result);
        await engine.waitForEnd(taskRef, { timeoutMs: 5000 });
      }
      const { tasks } = await engine.list({ limit: 10 });
      expect(tasks).toHaveLength(2);
      for (const task of tasks) {
        const found = await engine.find(task.taskRef);
        expect(found?.result).toEqual(expect.any(String));
        expect(task).toStrictEqual({ ...found, result: undefined });
      }
    });

    test('of an owner have none of another', async () => {
      const engine = await open();
      const owners = ['ada', 'Ada', 'ada ', 'ada\0', '', '所有者', "o'wner"];
      const refs = new Map<string, string>();
      for (const owner of owners.filter(name => name !== 'ada\0'))
        refs.set(owner, await submitTo(engine, { owner }));
      for (const owner of [...owners, 'nobody', 'ad', '%', '*'])
        expect(await refsOf(engine, { owner })).toEqual([refs.get(owner)].filter(ref => ref !== undefined));
      expect(await refsOf(engine)).toHaveLength(refs.size);
    });

    test('combine their filters', async () => {
      const engine = await open();
      const work = new ManualExecute();
      const submit = (owner: string, operation = 'echo') => submitTo(engine, { owner, operation });
      engine.startWorker(work.worker({ concurrency: 4 }));
      const completed = await submit('ada');
      (await work.next()).complete('done');
      await engine.waitForEnd(completed, { timeoutMs: 5000 });
      const failed = await submit('ada');
      (await work.next()).end({ status: 'failed', error: { code: 'NO', message: 'no', retryable: false } });
      await engine.waitForEnd(failed, { timeoutMs: 5000 });
      const processing = await submit('ada');
      await work.next();
      const [others, running] = [await submit('bob'), await work.next()];
      const [pending, longer] = [await submit('ada', 'zip'), await submit('ada', 'zip_large')];
      const [cancelled, stopped] = [await submit('ada', 'zip'), await submit('bob')];
      await engine.cancel(cancelled);
      await work.next();
      await engine.cancel(stopped);
      expect(running.record.taskRef).toBe(others);
      const all = [stopped, cancelled, longer, pending, others, processing, failed, completed];
      const cases: readonly (readonly [Filter, readonly string[]])[] = [
        [{}, all],
        [{ statuses: ['pending'] }, [pending, longer]],
        [{ statuses: ['processing'] }, [others, processing]],
        [{ statuses: ['completed'] }, [completed]],
        [{ statuses: ['failed'] }, [failed]],
        [{ statuses: ['cancelled'] }, [stopped, cancelled]],
        [{ statuses: ['failed', 'completed'] }, [failed, completed]],
        [{ statuses: [] }, []],
        [{ operation: 'zip' }, [cancelled, pending]],
        [{ operation: 'zip_large' }, [longer]],
        [{ operation: 'unknown' }, []],
        [{ owner: 'bob' }, [stopped, others]],
        [{ owner: 'bob', statuses: ['processing'] }, [others]],
        [{ owner: 'ada', statuses: ['cancelled', 'pending'], operation: 'zip' }, [cancelled, pending]],
        [{ owner: 'ada', operation: 'echo', statuses: ['processing', 'failed'] }, [processing, failed]],
      ];
      for (const [filter, refs] of cases)
        for (const limit of [1, 100])
          expect((await refsOf(engine, { ...filter, limit })).toSorted(), JSON.stringify(filter)).toEqual(
            refs.toSorted(),
          );
    });

    test('have every task once over their pages, whatever is submitted meanwhile', async () => {
      const engine = await open();
      const submitMany = (count: number) =>
        Promise.all(
          Array.from({ length: count }, (_, index) =>
            submitTo(engine, { operation: `work_${index % 3}`, owner: index % 2 === 0 ? 'ada' : 'bob' }),
          ),
        );
      const early = await submitMany(120);
      for (const owner of [undefined, 'ada', 'bob']) {
        let late: Promise<unknown> = Promise.resolve();
        const pages = await pagesOf(engine, { owner, limit: 7 }, async () => {
          late = Promise.all([late, submitMany(6)]);
        });
        await late;
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(7);
        const refs = pages.flat().map(({ taskRef }) => taskRef);
        expect(new Set(refs).size).toBe(refs.length);
        const own = early.filter(
          (_, index) => owner === undefined || (index % 2 === 0) === (owner === 'ada'),
        );
        expect(own.filter(ref => !refs.includes(ref))).toEqual([]);
        const times = pages.flat().map(({ createdAt }) => createdAt);
        expect(times).toEqual(times.toSorted((one, other) => other - one));
      }
    });

    test('have no task that its key made of an earlier one', async () => {
      const engine = await open();
      const submissions = await Promise.all(
        Array.from({ length: 20 }, () => submitTo(engine, { idempotencyKey: 'same' })),
      );
      expect(await refsOf(engine)).toEqual([submissions[0]]);
    });

    test('have nothing that has expired', async () => {
      const engine = await open();
      const kept = await submitTo(engine);
      await submitTo(engine, { ttlMs: 1 });
      await eventually(async () => (await refsOf(engine)).length === 1);
      expect(await refsOf(engine, { owner: newTask().owner })).toEqual([kept]);
    });

    unless('clock')('leave a task out from the millisecond on at which it expires', async () => {
      const clock = new ManualClock();
      const engine = await open({ clock });
      const taskRef = await submitTo(engine, { ttlMs: 1000 });
      clock.pass(999);
      expect(await refsOf(engine)).toEqual([taskRef]);
      clock.pass(1);
      expect(await refsOf(engine)).toEqual([]);
    });

    test.each([
      '',
      'x',
      'W10',
      Buffer.from('[1]').toString('base64url'),
      Buffer.from('["1","x"]').toString('base64url'),
      Buffer.from('{"length":2}').toString('base64url'),
    ])('refuse the cursor %j, which no engine has made', async cursor => {
      const engine = await open();
      await expect(engine.list({ limit: 1, cursor })).rejects.toMatchObject({
        name: 'InvalidCursorError',
        message: expect.stringContaining('Leave it out to begin with the newest tasks.'),
      });
    });

    test.each([0, -1, 1.5, Number.NaN, MAX_LIST_LIMIT + 1])('refuse the limit %d', async limit => {
      await expect((await open()).list({ limit })).rejects.toThrow(RangeError);
    });
  });
}
