import type { EngineWorker } from '../engine/engine.js';
import { parseStoreUrl } from '../engine/store-url.js';
import { ConfigurationError } from '../errors.js';
import { defaultStoreUrl } from '../storage/state-folder.js';
import { newDeferred } from '../time/deferred.js';
import { startTimer } from '../time/sleep.js';
import { LOCAL_PRINCIPAL } from './http/principals.js';
import type { ProbeOptions, startProbeServer } from './http/probe-server.js';
import { type Activity, observeRuns } from './observability/activity.js';
import type { LogEntry } from './observability/log.js';
import { startObservation } from './observability/observation.js';
import type { ObservabilityOptions } from './observability/options.js';
import { defineOperation, type Operation, operationsByName } from './operation.js';
import { createExecute } from './runner.js';
import { longestRetentionMs, taskLimits } from './task-limits.js';
import { PAIR_TOOLS } from './tools/index.js';
import { deliverWebhook } from './webhooks/deliver-webhook.js';
import {
  type AnnouncingEngine,
  announcingExecute,
  DELIVER_WEBHOOK,
  openAnnouncingEngine,
} from './webhooks/deliveries.js';
import { readWebhookOptions, type WebhookOptions, type WebhookSettings } from './webhooks/webhook-options.js';

export const DEFAULT_PRINCIPAL_SHARE = 0.8;

export interface WorkerProcessOptions {
  /** The background work that this worker can run; it leaves all other tasks alone. */
  readonly operations: readonly Operation[];
  /** Where tasks live, as for the servers that accept them. @default a SQLite file in the state folder */
  readonly store?: string | undefined;
  /** Most tasks that run at the same time. @default 50 */
  readonly concurrency?: number | undefined;
  /** The share of the free places that one principal may take, 0 to 1; without tokens, there is only one. @default 0.8 */
  readonly principalShare?: number | undefined;
  /** Largest result of a task, in bytes of its JSON. @default 1048576 (1 MiB) */
  readonly maxResultBytes?: number | undefined;
  /**
   * Seconds within which the tasks of a process that died become `failed`, 1 to 3600; the same for every process on
   * the store. @default 30
   */
  readonly leaseSeconds?: number | undefined;
  /** The most that the servers let a call ask for with `ttl_seconds`, from 60 on. @default 604800 */
  readonly maxTtlSeconds?: number | undefined;
  /**
   * Keeps installations apart that share one Redis or PostgreSQL; the same for every process of an installation. At most
   * 48 letters, digits, `_`, `-` and `:`. @default 'mcp_task:'
   */
  readonly keyPrefix?: string | undefined;
  /** How webhooks are signed, and where they may go: as for the servers. @default off, unless MCP_AWAIT_WEBHOOK_SECRET is set */
  readonly webhooks?: WebhookOptions | undefined;
  /** Told what went wrong and was no task's to know. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Serves `/metrics`, `/health` and `/ready` there. */
  readonly probes?: ProbeOptions | undefined;
  /** What is measured and logged, and when it is an alert. */
  readonly observability?: ObservabilityOptions | undefined;
  /** Takes the log, entry by entry. */
  readonly onLog?: ((entry: LogEntry) => void) | undefined;
}

export interface RunningWorker {
  /** Of the probes; undefined when there are none. */
  readonly port: number | undefined;
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
    principalShare = DEFAULT_PRINCIPAL_SHARE,
    maxResultBytes,
    leaseSeconds = 30,
    keyPrefix,
  } = options;
  checkRunOptions({ concurrency, principalShare, maxResultBytes, leaseSeconds });
  checkShared(store);
  const limits = taskLimits({ maxTtlSeconds: options.maxTtlSeconds });
  const operations = checkOperations(options.operations);
  const settings = readWebhookOptions(options.webhooks, process.env);
  const observation = await startObservation({
    options: options.observability,
    onLog: options.onLog,
    operations,
    metrics: options.probes !== undefined,
    defaultLevel: 'info',
  });
  const { activity, onLost, onNotice } = observation;
  const engineOptions = {
    maxResultBytes,
    leaseMs: leaseSeconds * 1000,
    keyPrefix,
    retentionMs: longestRetentionMs(limits),
    onLost,
    onNotice,
  };
  const announcing = await openAnnouncingEngine(store, engineOptions, options.onError);
  const { engine, deliveries } = announcing;
  const watching = observation.watch(engine);
  const probes =
    options.probes &&
    (await startProbes(options.probes, watching).catch(async error => {
      observation.stop();
      await engine.close();
      throw error;
    }));
  const worker = startEngineWorker({
    ...announcing,
    operations,
    settings,
    concurrency,
    principalShare,
    activity,
  });
  observation.setPhase('serving');
  // An idle worker holds nothing else that would keep its process alive.
  const stopWaiting = startTimer(Number.MAX_SAFE_INTEGER, () => {});
  const closed = newDeferred();
  return {
    port: probes?.port,
    ended: closed.promise,
    async close(graceMs = 0) {
      observation.setPhase('closing');
      probes?.startClosing();
      await worker.drain(graceMs);
      await deliveries.settled();
      observation.stop();
      await Promise.all([probes?.close(), engine.close()]);
      stopWaiting();
      closed.resolve();
    },
  };
}

export interface EngineWorkerOptions extends AnnouncingEngine {
  readonly operations: ReadonlyMap<string, Operation>;
  /** Undefined: ends are announced all the same, and messages are left to a worker that has a secret. */
  readonly settings: WebhookSettings | undefined;
  readonly concurrency: number;
  readonly principalShare: number;
  readonly activity: Activity;
}

export function startEngineWorker(options: EngineWorkerOptions): EngineWorker {
  const { engine, deliveries, settings, concurrency, principalShare, activity } = options;
  const operations: Operation[] = [...options.operations.values()];
  if (settings !== undefined) operations.push(deliverWebhook({ engine, deliveries, settings }));
  return engine.startWorker({
    execute: announcingExecute(observeRuns(createExecute(operations), activity), deliveries),
    operations: operations.map(({ name }) => name),
    concurrency,
    shareOf: owner => (owner === LOCAL_PRINCIPAL ? 1 : principalShare),
  });
}

/** @throws ConfigurationError when one is no operation, or its name is taken */
export function checkOperations(operations: readonly Operation[]): ReadonlyMap<string, Operation> {
  const byName = operationsByName(operations.map(operation => defineOperation(operation)));
  const clash = [DELIVER_WEBHOOK, ...PAIR_TOOLS].find(name => byName.has(name));
  if (clash === undefined) return byName;
  throw new ConfigurationError(`The name ${clash} is the server's own: rename that operation`);
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
  readonly maxResultBytes?: number | undefined;
  readonly leaseSeconds: number;
  readonly principalShare: number;
}

/** @throws ConfigurationError that names the option, what it must be and what it is */
export function checkRunOptions({
  concurrency,
  maxResultBytes = 1,
  leaseSeconds,
  principalShare,
}: RunOptions): void {
  if (!(principalShare >= 0 && principalShare <= 1)) {
    throw new ConfigurationError(
      `Expected \`principalShare\` to be a number from 0 to 1, got ${String(principalShare)}`,
    );
  }
  for (const [name, value] of Object.entries({ concurrency, maxResultBytes })) {
    if (!Number.isSafeInteger(value) || Number(value) < 1) {
      throw new ConfigurationError(`Expected \`${name}\` to be a positive integer, got ${String(value)}`);
    }
  }
  if (!(leaseSeconds >= 1 && leaseSeconds <= 3600)) {
    throw new ConfigurationError(
      `Expected \`leaseSeconds\` to be a number from 1 to 3600, got ${String(leaseSeconds)}`,
    );
  }
}

/** With the probes comes all of HTTP, which few workers need. */
async function startProbes(
  ...parts: Parameters<typeof startProbeServer>
): ReturnType<typeof startProbeServer> {
  const { startProbeServer } = await import('./http/probe-server.js');
  return startProbeServer(...parts);
}
