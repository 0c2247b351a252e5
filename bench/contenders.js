// This project's engine and the bare library under it, each as something that takes tasks, runs them and tells.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresBackend, Queue, QueueEvents, Worker } from 'bullmq';
import { openEngine } from '../dist/engine/open-engine.js';
import { newTaskRef } from '../dist/engine/task-ref.js';

export const OPERATION = 'nothing';
const WAIT_MS = 120_000;
const BARE_WAIT_MS = 15_000;
const PARAMETERS = { text: 'hello' };

export function newTask() {
  return {
    taskRef: newTaskRef(OPERATION),
    owner: 'bench',
    operation: OPERATION,
    parameters: PARAMETERS,
    slaMs: 60_000,
    ttlMs: 3_600_000,
  };
}

export function newKeyPrefix() {
  return `ours-${randomUUID()}`;
}

/** The engine that a URL names. */
export async function engineOn(url, { concurrency, keyPrefix = newKeyPrefix(), workMs = 0, hasKey = false }) {
  const engine = await openEngine(url, { keyPrefix });
  const startWorker = onRun => {
    const execute = async ({ record }) => {
      onRun(record.taskRef);
      if (workMs > 0) await sleep(workMs);
      return { status: 'completed', result: null };
    };
    engine.startWorker({ execute, operations: [OPERATION], concurrency });
  };
  const untilEnded = async taskRef => {
    const record = await engine.waitForEnd(taskRef, { timeoutMs: WAIT_MS });
    if (record?.status !== 'completed') throw new Error(JSON.stringify(record));
  };
  const submit = () => engine.submit({ ...newTask(), ...(hasKey ? { idempotencyKey: randomUUID() } : {}) });
  return {
    submit,
    async drain(count) {
      const started = [];
      await new Promise(resolve => {
        startWorker(taskRef => {
          if (started.push(taskRef) === count) resolve();
        });
      });
      await Promise.all(started.slice(-concurrency).map(untilEnded));
    },
    serve: async () => startWorker(() => {}),
    async roundTrip() {
      const { record } = await submit();
      await untilEnded(record.taskRef);
    },
    close: () => engine.close(),
  };
}

/** BullMQ as its manual says. */
export async function bareBullmq(url, { concurrency }) {
  const isPostgres = url.startsWith('postgres');
  const connection = isPostgres ? { connectionString: url, migrate: true } : { url };
  const backend = isPostgres ? [createPostgresBackend] : [];
  const name = `bare-${randomUUID()}`;
  const queue = new Queue(name, { connection }, ...backend);
  await queue.waitUntilReady();
  // Every wait for a job's end listens to the queue.
  queue.setMaxListeners(0);
  const open = [];
  const startWorker = () => {
    const worker = new Worker(name, async () => null, { connection, concurrency }, ...backend);
    worker.on('error', () => {});
    open.push(worker);
    return worker;
  };
  const submit = () => queue.add(OPERATION, PARAMETERS);
  let events;
  return {
    submit,
    async drain(count) {
      let ended = 0;
      await new Promise(resolve => {
        startWorker().on('completed', () => {
          if (++ended === count) resolve();
        });
      });
    },
    async serve() {
      events = new QueueEvents(name, { connection }, ...backend);
      open.push(events);
      await Promise.all([startWorker().waitUntilReady(), events.waitUntilReady()]);
    },
    async roundTrip() {
      const job = await submit();
      // On PostgreSQL it may miss the end: a caller that gives up is as slow as its patience.
      await job.waitUntilFinished(events, BARE_WAIT_MS).catch(() => {});
    },
    async close() {
      for (const part of [...open, queue]) await part.close();
    },
  };
}
