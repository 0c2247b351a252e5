// How fast the embedded engine takes tasks in, and how many it brings from submit to their end.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { openEngine } from '../dist/engine/open-engine.js';
import { defineOperation, operationsByName } from '../dist/server/operation.js';
import { createExecute } from '../dist/server/runner.js';
import { createTaskService } from '../dist/server/task-service.js';
import { withFolder } from './bundled-server.js';
import { newTask as newPlainTask, OPERATION } from './contenders.js';
import { distributedEngine } from './distributed-engine.js';
import { ms, percentile, printTable, timed } from './measure.js';

const TASKS = 5000;
const CONCURRENCY = 50;
const TARGET_PER_SECOND = 2000;

const newTask = () => ({ ...newPlainTask(), idempotencyKey: randomUUID() });

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

const NOTHING = defineOperation({
  name: OPERATION,
  description: 'Does nothing.',
  input: z.object({ text: z.string() }),
  run: async () => null,
});
const NO_WEBHOOKS = { isOpen: false, accept: url => url, announce: async () => {} };

/** As a server does it: from the check of each call's parameters to the end of an operation that its SLA bounds. */
async function initiateAndRun(engine) {
  const service = createTaskService({
    engine,
    operations: operationsByName([NOTHING]),
    webhooks: NO_WEBHOOKS,
  });
  const initiate = () =>
    service.initiate('bench', {
      operationType: OPERATION,
      parameters: { text: 'hello' },
      idempotencyKey: randomUUID(),
    });
  const execute = createExecute([NOTHING]);
  const worker = engine.startWorker({ execute, operations: [OPERATION], concurrency: CONCURRENCY });
  let left = TASKS;
  const caller = async () => {
    while (left-- > 0) await initiate();
  };
  const { elapsedMs } = await timed(async () => {
    await Promise.all(Array.from({ length: CONCURRENCY }, caller));
    await worker.finish();
  });
  return (TASKS / elapsedMs) * 1000;
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
  await embeddedEngine();
  await distributedEngine();
}

async function embeddedEngine() {
  const stores = { 'sqlite:': folder => `sqlite:${join(folder, 'tasks.db')}`, 'memory:': () => 'memory:' };
  const rows = [];
  for (const [name, url] of Object.entries(stores)) {
    const latencies = await withEngine(url, submitAlone);
    const rate = await withEngine(url, submitAndRun);
    const initiated = await withEngine(url, initiateAndRun);
    const trips = await withEngine(url, roundTrips);
    rows.push([
      name,
      ms(percentile(latencies, 0.5)),
      ms(percentile(latencies, 0.99)),
      perSecond(rate),
      perSecond(initiated),
      perSecond(trips.perSecond),
      ms(percentile(trips.latencies, 0.5)),
    ]);
  }
  printTable(
    `${TASKS} tasks that do nothing, in one process (target: ${TARGET_PER_SECOND} tasks/s)`,
    [
      'store',
      'submit p50',
      'p99',
      'submit to end',
      'initiate to completed',
      `with ${CONCURRENCY} waiting callers`,
      'round trip p50',
    ],
    rows,
  );
}
