import type { Engine, EngineWorker } from '../engine/engine.js';
import { openEngine } from '../engine/open-engine.js';
import { defaultStoreUrl } from '../engine/state-folder.js';
import { parseStoreUrl } from '../engine/store-url.js';
import { ConfigurationError } from '../errors.js';
import { newDeferred } from '../time/deferred.js';
import { startTimer } from '../time/sleep.js';
import { defineOperation, type Operation, operationsByName } from './operation.js';
import { createExecute } from './runner.js';

export interface WorkerProcessOptions {
  /** The background work that this worker can run; it leaves all other tasks alone. */
  readonly operations: readonly Operation[];
  /** Where tasks live, as for the servers that accept them. @default a SQLite file in the state folder */
  readonly store?: string | undefined;
  /** Most tasks that run at the same time. @default 50 */
  readonly concurrency?: number | undefined;
  /** Largest result of a task, in bytes of its JSON. @default 1048576 (1 MiB) */
  readonly maxResultBytes?: number | undefined;
  /**
   * Seconds within which the tasks of a process that died become `failed`, 1 to 3600; the same for every process on
   * the store. @default 30
   */
  readonly leaseSeconds?: number | undefined;
}

export interface RunningWorker {
  /** Settles when the worker was closed. */
  readonly ended: Promise<void>;
  /** Takes no more work, gives what runs `graceMs` milliseconds to end, and closes. @default 0 */
  close(graceMs?: number): Promise<void>;
}

/**
 * Runs the tasks that servers without a worker of their own accept on the same store, until it is closed.
 * @throws ConfigurationError when an option is not usable or the store cannot be opened
 * @example
 * const worker = await startWorker({ operations: [resizeImage], store: 'sqlite:/var/lib/app/tasks.db' });
 */
export async function startWorker(options: WorkerProcessOptions): Promise<RunningWorker> {
  const {
    store = defaultStoreUrl(process.env),
    concurrency = 50,
    maxResultBytes,
    leaseSeconds = 30,
  } = options;
  checkRunOptions({ concurrency, maxResultBytes, leaseSeconds });
  checkShared(store);
  const operations = operationsByName(options.operations.map(operation => defineOperation(operation)));
  const engine = await openEngine(store, { maxResultBytes, leaseMs: leaseSeconds * 1000 });
  const worker = startEngineWorker(engine, operations, concurrency);
  // An idle worker holds nothing else that would keep its process alive.
  const stopWaiting = startTimer(Number.MAX_SAFE_INTEGER, () => {});
  const closed = newDeferred();
  return {
    ended: closed.promise,
    async close(graceMs = 0) {
      await worker.drain(graceMs);
      await engine.close();
      stopWaiting();
      closed.resolve();
    },
  };
}

export function startEngineWorker(
  engine: Engine,
  operations: ReadonlyMap<string, Operation>,
  concurrency: number,
): EngineWorker {
  return engine.startWorker({
    execute: createExecute([...operations.values()]),
    operations: [...operations.keys()],
    concurrency,
  });
}

/** @throws ConfigurationError when no other process could see the store's tasks */
export function checkShared(store: string): void {
  if (parseStoreUrl(store).kind !== 'memory') return;
  throw new ConfigurationError(
    'The store `memory:` lives in one process: a worker apart from its server needs another, such as `sqlite:PATH`.',
  );
}

interface RunOptions {
  readonly concurrency: number;
  readonly ttlSeconds?: number | undefined;
  readonly maxResultBytes?: number | undefined;
  readonly leaseSeconds: number;
}

/** @throws ConfigurationError that names the option, what it must be and what it is */
export function checkRunOptions({
  concurrency,
  ttlSeconds = 1,
  maxResultBytes = 1,
  leaseSeconds,
}: RunOptions): void {
  for (const [name, value] of Object.entries({ concurrency, maxResultBytes })) {
    if (!Number.isSafeInteger(value) || Number(value) < 1) {
      throw new ConfigurationError(`Expected \`${name}\` to be a positive integer, got ${String(value)}`);
    }
  }
  if (!Number.isFinite(ttlSeconds) || Number(ttlSeconds) <= 0) {
    throw new ConfigurationError(
      `Expected \`ttlSeconds\` to be a positive number, got ${String(ttlSeconds)}`,
    );
  }
  if (!(leaseSeconds >= 1 && leaseSeconds <= 3600)) {
    throw new ConfigurationError(
      `Expected \`leaseSeconds\` to be a number from 1 to 3600, got ${String(leaseSeconds)}`,
    );
  }
}
