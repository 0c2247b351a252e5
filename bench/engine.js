// How fast the embedded engine takes tasks in, and how many it brings from submit to their end.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openEngine } from '../dist/engine/open-engine.js';
import { newTaskRef } from '../dist/engine/task-ref.js';
import { withFolder } from './bundled-server.js';
import { ms, percentile, printTable, timed } from './measure.js';

const TASKS = 5000;
const CONCURRENCY = 50;
const TARGET_PER_SECOND = 2000;
const OPERATION = 'nothing';

const newTask = () => ({
  taskRef: newTaskRef(OPERATION),
  owner: 'bench',
  operation: OPERATION,
  parameters: { text: 'hello' },
  idempotencyKey: randomUUID(),
  slaMs: 60_000,
  ttlMs: 3_600_000,
});

const times = async work => {
  for (let index = 0; index < TASKS; index++) await work();
};

/** One caller after the other: a submit blocks the process until the record is durable. */
async function submitAlone(engine) {
  const latencies = [];
  await times(async () => latencies.push((await timed(() => engine.submit(newTask()))).elapsedMs));
  return latencies;
}

/** From the first of many submits at once to the last completed task, in the same process. */
async function submitAndRun(engine) {
  const execute = async () => ({ status: 'completed', result: null });
  const worker = engine.startWorker({ execute, operations: [OPERATION], concurrency: CONCURRENCY });
  const { elapsedMs } = await timed(async () => {
    await Promise.all(Array.from({ length: TASKS }, () => engine.submit(newTask())));
    await worker.finish();
  });
  return (TASKS / elapsedMs) * 1000;
}

/** Callers that each submit a task, wait for its end and start again. */
async function roundTrips(engine) {
  const latencies = [];
  let left = TASKS;
  const caller = async () => {
    while (left-- > 0) {
      const { elapsedMs, value } = await timed(async () => {
        const { record } = await engine.submit(newTask());
        return engine.waitForEnd(record.taskRef, { timeoutMs: 10_000 });
      });
      if (value?.status !== 'completed') throw new Error(JSON.stringify(value));
      latencies.push(elapsedMs);
    }
  };
  const execute = async () => ({ status: 'completed', result: null });
  engine.startWorker({ execute, operations: [OPERATION], concurrency: CONCURRENCY });
  const { elapsedMs } = await timed(() => Promise.all(Array.from({ length: CONCURRENCY }, caller)));
  return { latencies, perSecond: (TASKS / elapsedMs) * 1000 };
}

function withEngine(url, work) {
  return withFolder(async folder => {
    const engine = await openEngine(url(folder));
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  });
}

const perSecond = rate => `${rate.toFixed(0)}/s ${rate >= TARGET_PER_SECOND ? '(met)' : '(MISSED)'}`;

export async function engine() {
  const stores = { 'sqlite:': folder => `sqlite:${join(folder, 'tasks.db')}`, 'memory:': () => 'memory:' };
  const rows = [];
  for (const [name, url] of Object.entries(stores)) {
    const latencies = await withEngine(url, submitAlone);
    const rate = await withEngine(url, submitAndRun);
    const trips = await withEngine(url, roundTrips);
    rows.push([
      name,
      ms(percentile(latencies, 0.5)),
      ms(percentile(latencies, 0.99)),
      perSecond(rate),
      perSecond(trips.perSecond),
      ms(percentile(trips.latencies, 0.5)),
    ]);
  }
  printTable(
    `${TASKS} tasks that do nothing, in one process (target: ${TARGET_PER_SECOND} tasks/s)`,
    ['store', 'submit p50', 'p99', 'submit to end', `with ${CONCURRENCY} waiting callers`, 'round trip p50'],
    rows,
  );
}
