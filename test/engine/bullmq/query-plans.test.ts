import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { OperationQueue } from '../../../src/engine/bullmq/operation-queue.js';
import { LOOKED_AT } from '../../../src/engine/bullmq/record-store.js';
import { StoreCalls } from '../../../src/engine/store-calls.js';
import { ALL_STATUSES } from '../../../src/engine/task-list.js';
import { digestJson } from '../../../src/storage/canonical-json.js';
import { sleep } from '../../../src/time/sleep.js';
import { describeWith } from '../../services/index.js';
import { newTask, OPERATION } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

const ROWS = 100_000;

/** Copies of a task: two fifths wait, a fifth each have a priority, are delayed, or have ended; of twenty owners. */
const FILL = `
  INSERT INTO mcp_await_task (installation, "taskRef", operation, "ownerDigest", task, status, worker, "createdAt",
                              "updatedAt", "expiresAt")
  SELECT installation, 'copy_' || n, operation, CASE n % 20 WHEN 0 THEN $2 ELSE 'owner-' || n % 20 END, task,
         CASE n % 5 WHEN 4 THEN CASE n % 2 WHEN 0 THEN 'completed' ELSE 'failed' END ELSE 'pending' END, worker,
         "createdAt" - n, "updatedAt" - n, "expiresAt" + n
    FROM (SELECT * FROM mcp_await_task WHERE "taskRef" = $3) AS original, generate_series(1, $1) AS n`;

const FILL_QUEUE = `
  INSERT INTO job (queue, id, seq, name, state, data, opts, priority, max_attempts, added_at_ms, process_at_ms)
  SELECT queue, 'copy_' || n, seq + n, name, (CASE n % 5 WHEN 3 THEN 'delayed' ELSE 'waiting' END)::job_state,
         data, opts, CASE n % 5 WHEN 2 THEN n ELSE 0 END, max_attempts, added_at_ms - n,
         CASE n % 5 WHEN 3 THEN added_at_ms + 3600000 + n END
    FROM (SELECT * FROM job WHERE id = $2) AS original, generate_series(1, $1) AS n WHERE n % 5 <> 4`;

/** Has PostgreSQL tell each connection how it went about its statements, also those inside functions. */
const TELL_PLANS = [
  "session_preload_libraries = 'auto_explain'",
  'auto_explain.log_min_duration = 0',
  'auto_explain.log_analyze = on',
  'auto_explain.log_nested_statements = on',
  'client_min_messages = log',
];

/** Rows that a step of a plan has read, of which there may be no more than a look of a list goes through. */
const ROWS_OF_STEP = /rows=(\d+) loops=(\d+)|Rows Removed by Filter: (\d+)/g;

function mostRows(plan: string): number {
  const steps = [...plan.matchAll(ROWS_OF_STEP)];
  return Math.max(...steps.map(([, rows, loops, left]) => Number(left ?? 0) || Number(rows) * Number(loops)));
}

describeWith('PostgreSQL', 'a queue of 100,000 tasks on PostgreSQL', service => {
  // Otherwise each claim, look for dead workers and page would take the longer the more tasks there are.
  test('is neither read as a whole nor sorted', async () => {
    const client = new pg.Client({ connectionString: service().url, options: '-c search_path=bullmq' });
    await client.connect();
    for (const setting of TELL_PLANS) await client.query(`ALTER ROLE CURRENT_USER SET ${setting}`);
    const emitted = vi.spyOn(pg.Client.prototype, 'emit');
    const plans = () =>
      emitted.mock.calls
        .filter(([event]) => event === 'notice')
        .map(([, notice]) => String((notice as Error).message))
        .filter(message => / on (public\.|bullmq\.)?(job|mcp_await_task)\b/.test(message));
    const store = new BullmqStore('PostgreSQL', service().url);
    const { engine, connection } = await store.open({ leaseMs: 600_000 });
    onTestFinished(async () => {
      emitted.mockRestore();
      await client.end();
      await store.close();
    });
    const { record } = await engine.submit(newTask());
    await client.query(FILL, [ROWS, digestJson('alice'), record.taskRef]);
    await client.query(FILL_QUEUE, [ROWS, record.taskRef]);
    await client.query('ANALYZE job');
    await client.query('ANALYZE mcp_await_task');
    emitted.mockClear();

    const backend = connection.backend(OPERATION);
    const calls = new StoreCalls({ label: 'test', isConnectionError: () => false });
    const queue = new OperationQueue(OPERATION, connection, calls);
    await engine.submit(newTask({ delayMs: 1 }));
    await sleep(20);
    // After five times PostgreSQL keeps the plan of a statement in a function.
    for (let count = 0; count < 7; count++) {
      await backend.moveToActive('a worker');
      await backend.moveStalledJobsToWait();
      await engine.submit(newTask());
      await queue.presentTurn();
    }
    await engine.cancel(record.taskRef);
    const { records } = connection;
    for (const status of ALL_STATUSES)
      for (const oldestFirst of [true, false])
        await records.ofStatus({ operation: OPERATION, status, count: 500, oldestFirst });
    await records.operations();
    await records.lost(OPERATION);
    await records.remove(await records.expired(100));
    for (const owner of [undefined, 'alice']) {
      await engine.list({ owner, limit: 50 });
      for (const status of ALL_STATUSES) await engine.list({ owner, statuses: [status], limit: 50 });
    }

    expect(plans().length).toBeGreaterThan(60);
    expect(
      plans().filter(plan => /Seq Scan on (job|mcp_await_task)/.test(plan) || mostRows(plan) > LOOKED_AT),
    ).toEqual([]);
  }, 240_000);
});
