import type { EngineWorker } from '../engine/engine.js';
import { parseStoreUrl } from '../engine/store-url.js';
import { ConfigurationError } from '../errors.js';
import { defaultStoreUrl } from '../storage/state-folder.js';
import type { OptionNames } from '../unknown-option.js';
import { sections } from './config/config-schema.js';
import { settingValues } from './config/setting-values.js';
import { LOCAL_PRINCIPAL } from './http/principals.js';
import { observeRuns } from './observability/activity.js';
import type { LogEntry } from './observability/log.js';
import { type Observation, type ObservationOptions, startObservation } from './observability/observation.js';
import type { ObservabilityOptions } from './observability/options.js';
import { defineOperation, type Operation, operationsByName } from './operation.js';
import { createExecute } from './runner.js';
import { longestRetentionMs, type TaskLimits } from './task-limits.js';
import { PAIR_TOOLS } from './tools/index.js';
import { deliverWebhook } from './webhooks/deliver-webhook.js';
import {
  type AnnouncingEngine,
  announcingExecute,
  DELIVER_WEBHOOK,
  openAnnouncingEngine,
} from './webhooks/deliveries.js';
import { readWebhookOptions, type WebhookOptions, type WebhookSettings } from './webhooks/webhook-options.js';

const { execution, state } = sections;

/** What a server and a worker process have in common; one that takes tasks in and one that runs them agree on it. */
export interface RuntimeOptions {
  /** The background work that is on offer, or that a worker can run; it leaves all other tasks alone. */
  readonly operations: readonly Operation[];
  /** Where tasks live: `sqlite:PATH`, `memory:`, `redis://`, `rediss://`, `postgres://` or `dynamodb://`. @default a SQLite file in the state folder */
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
  /**
   * Keeps installations apart that share one Redis or PostgreSQL; the same for every process of an installation. At most
   * 48 letters, digits, `_`, `-` and `:`. @default 'mcp_task:'
   */
  readonly keyPrefix?: string | undefined;
  /** How webhooks are signed, and where they may go; callers may give a `webhook_url` then. @default off, unless MCP_AWAIT_WEBHOOK_SECRET is set */
  readonly webhooks?: WebhookOptions | undefined;
  /** Told what went wrong and was not a caller's to know. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** What is measured and logged, and when it is an alert. */
  readonly observability?: ObservabilityOptions | undefined;
  /** Takes the log, entry by entry. */
  readonly onLog?: ((entry: LogEntry) => void) | undefined;
}

export const runtimeOptionNames: OptionNames<RuntimeOptions> = {
  operations: true,
  store: true,
  concurrency: true,
  principalShare: true,
  maxResultBytes: true,
  leaseSeconds: true,
  keyPrefix: true,
  webhooks: true,
  onError: true,
  observability: true,
  onLog: true,
};

/** What a server and a worker process stand on. */
export interface Runtime extends AnnouncingEngine {
  readonly operations: ReadonlyMap<string, Operation>;
  /** Undefined: ends are announced all the same, and messages are left to a worker that has a secret. */
  readonly settings: WebhookSettings | undefined;
  readonly observation: Observation;
  /** Runs tasks in this process. */
  startWorker(): EngineWorker;
  /** Queues what was announced, and releases everything. */
  close(): Promise<void>;
}

export interface RuntimePurpose
  extends Pick<ObservationOptions, 'metrics' | 'defaultLevel' | 'defaultSlaSeconds'> {
  readonly limits: TaskLimits;
  /** Whether other processes work on the store, too. */
  readonly isShared: boolean;
}

/**
 * Opens the store, and starts to observe it.
 * @throws ConfigurationError when an option is not usable or the store cannot be opened
 */
export async function openRuntime(
  options: RuntimeOptions,
  { limits, isShared, ...watching }: RuntimePurpose,
): Promise<Runtime> {
  const { store = defaultStoreUrl(process.env), keyPrefix } = options;
  const { concurrency, principalShare, maxResultBytes, leaseSeconds } = settingValues(
    {
      concurrency: execution.maxConcurrency,
      principalShare: execution.principalShare,
      maxResultBytes: state.maxResultBytes,
      leaseSeconds: state.leaseSeconds,
    },
    options,
  );
  if (isShared) checkShared(store);
  const operations = checkOperations(options.operations);
  const settings = readWebhookOptions(options.webhooks, process.env);
  const observation = await startObservation({
    ...watching,
    options: options.observability,
    onLog: options.onLog,
    operations,
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
  const runnable: Operation[] = [...operations.values()];
  if (settings !== undefined) runnable.push(deliverWebhook({ engine, deliveries, settings }));
  return {
    ...announcing,
    operations,
    settings,
    observation,
    startWorker: () =>
      engine.startWorker({
        execute: announcingExecute(observeRuns(createExecute(runnable), activity), deliveries),
        operations: runnable.map(({ name }) => name),
        concurrency,
        shareOf: owner => (owner === LOCAL_PRINCIPAL ? 1 : principalShare),
      }),
    async close() {
      await deliveries.settled();
      observation.stop();
      await engine.close();
    },
  };
}

/** @throws ConfigurationError when one is no operation, or its name is taken */
export function checkOperations(operations: readonly Operation[]): ReadonlyMap<string, Operation> {
  const byName = operationsByName(operations.map(operation => defineOperation(operation)));
  const clash = [DELIVER_WEBHOOK, ...PAIR_TOOLS].find(name => byName.has(name));
  if (clash === undefined) return byName;
  throw new ConfigurationError(`The name ${clash} is the server's own: rename that operation`);
}

/** @throws ConfigurationError when no other process could see the store's tasks */
function checkShared(store: string): void {
  if (parseStoreUrl(store).kind !== 'memory') return;
  throw new ConfigurationError(
    'The store `memory:` lives in one process: a worker apart from its server needs another, such as `sqlite:PATH`.',
  );
}
