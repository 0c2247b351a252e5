import { afterEach, expect, test, vi } from 'vitest';
import { byServerClock } from '../../../src/engine/bullmq/postgres-query.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { newTask } from '../engine-store.js';
import { EngineProcess } from '../sqlite/engine-process.js';

afterEach(() => vi.restoreAllMocks());

const HOUR_MS = 3_600_000;

for (const name of SERVICE_NAMES) {
  describeWith(name, `processes on ${name} whose clocks differ`, service => {
    test.each([
      ['behind', -HOUR_MS],
      ['ahead', HOUR_MS],
    ])('by an hour lose no task of theirs or others: a worker %s', async (_case, clockOffMs) => {
      const url = service().url;
      const processes = [new EngineProcess(url, 1000), new EngineProcess(url, 1000, clockOffMs)];
      try {
        await Promise.all(processes.map(process => process.ready()));
        await Promise.all(processes.map(process => process.work(4)));
        const [front] = processes as [EngineProcess];
        const tasks = Array.from({ length: 8 }, () =>
          newTask({ parameters: { ms: 2500 }, ttlMs: 7 * HOUR_MS }),
        );
        const submitted = await front.submitMany(tasks);
        const ended = await Promise.all(submitted.map(({ record }) => front.wait(record.taskRef, 20_000)));
        expect(ended.map(record => [record?.status, record?.runCount])).toEqual(
          tasks.map(() => ['completed', 1]),
        );
        const ran = processes.map(({ events }) => events.filter(({ event }) => event === 'started').length);
        expect(ran.every(count => count > 0)).toBe(true);
      } finally {
        await Promise.all(processes.map(process => process.kill()));
      }
    });
  });
}

test('Times go out by the clock of the server and come back by the own, also after a jump', async () => {
  const now = Date.now.bind(Date);
  let offMs = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + offMs);
  const sent: unknown[] = [];
  let compared = 0;
  const query = byServerClock(async (text, values) => {
    if (text.includes('clock_timestamp')) compared++;
    if (text.includes('clock_timestamp')) return { rows: [{ now: now() }] };
    sent.push(values);
    return { rows: [{ id: 'a', delay_ms: '5', finished_at_ms: String(values?.[0]) }] };
  });
  const own = Date.now();
  expect((await query('x', [own, 30_000, 'text'])).rows).toEqual([
    { id: 'a', delay_ms: '5', finished_at_ms: String(own) },
  ]);
  expect(sent).toEqual([[own, 30_000, 'text']]);
  offMs = HOUR_MS;
  const later = Date.now();
  const { rows } = await query('x', [later, 30_000]);
  expect(Math.abs(Number((sent[1] as number[])[0]) - now())).toBeLessThan(1000);
  expect(rows[0]?.finished_at_ms).toBe(String(later));
  await query('SELECT add_jobs_bulk($1, $2)', ['q', JSON.stringify([{ id: 'a', timestamp: later }])]);
  const [{ timestamp }] = JSON.parse(String((sent[2] as unknown[])[1]));
  expect(Math.abs(timestamp - now())).toBeLessThan(1000);
  await Promise.all([query('x', []), query('x', [])]);
  expect(compared).toBe(2);
});
