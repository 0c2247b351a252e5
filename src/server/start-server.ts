import type { EngineWorker } from '../engine/engine.js';
import { ConfigurationError } from '../errors.js';
import { defaultStoreUrl } from '../storage/state-folder.js';
import { newDeferred } from '../time/deferred.js';
import type { HttpServerOptions } from './http/http-server.js';
import { LOCAL_PRINCIPAL } from './http/principals.js';
import { createMcpServer } from './mcp-server.js';
import { observeCalls } from './observability/activity.js';
import type { LogEntry } from './observability/log.js';
import { type Observation, startObservation } from './observability/observation.js';
import type { ObservabilityOptions } from './observability/options.js';
import type { Offer } from './offer.js';
import type { Operation } from './operation.js';
import {
  checkOperations,
  checkRunOptions,
  checkShared,
  DEFAULT_PRINCIPAL_SHARE,
  startEngineWorker,
} from './start-worker.js';
import { type StdioStreams, serveStdio } from './stdio.js';
import { createTaskFeed } from './task-feed.js';
import { longestRetentionMs, type TaskLimitOptions, taskLimits } from './task-limits.js';
import { createTaskService } from './task-service.js';
import { serverTools } from './tools/index.js';
import { type AnnouncingEngine, openAnnouncingEngine } from './webhooks/deliveries.js';
import { createWebhookGate } from './webhooks/webhook-gate.js';
import { readWebhookOptions, type WebhookOptions } from './webhooks/webhook-options.js';

export interface ServerOptions extends TaskLimitOptions {
  /** The background work on offer. */
  readonly operations: readonly Operation[];
  /** Where tasks live: `sqlite:PATH`, `memory:`, `redis://`, `rediss://` or `postgres://`. @default a SQLite file in the state folder */
  readonly store?: string | undefined;
  /** Most tasks that run at the same time. @default 50 */
  readonly concurrency?: number | undefined;
  /** The share of the free places that one principal may take, 0 to 1; without tokens, there is only one. @default 0.8 */
  readonly principalShare?: number | undefined;
  /** Whether this process also runs tasks; if not, a worker on the same store must. @default true */
  readonly worker?: boolean | undefined;
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
  /**
   * Milliseconds for which a call of an operation's own tool is held, 0 to 20000: a task that ends within them is answered
   * with its result, any other with its reference. @default 1000
   */
  readonly inlineWindowMs?: number | undefined;
  /** Whether callers may give a `webhook_url`, and for where. @default off, unless MCP_AWAIT_WEBHOOK_SECRET is set */
  readonly webhooks?: WebhookOptions | undefined;
  /** Serves Streamable HTTP with these options instead of the standard streams. */
  readonly http?:
    | Omit<HttpServerOptions, 'createMcpServer' | 'offer' | 'watching' | 'onError' | 'now'>
    | undefined;
  /** Serves these streams. @default the standard streams */
  readonly stdio?: StdioStreams | undefined;
  /** Told what went wrong and was not a caller's to know. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** What is measured and logged, and when it is an alert. */
  readonly observability?: ObservabilityOptions | undefined;
  /** Takes the log, entry by entry. */
  readonly onLog?: ((entry: LogEntry) => void) | undefined;
}

export interface RunningServer {
  /** The MCP endpoint, such as `http://127.0.0.1:3000/mcp`; undefined on standard streams. */
  readonly url: string | undefined;
  /** Settles when the server has ended: it was closed, or its one client has gone and all work that it gave is done. */
  readonly ended: Promise<void>;
  /** Takes no more work, gives what runs `graceMs` milliseconds to end, and closes. @default 0 */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts a server that runs operations in the background, durably: on the standard streams, or over HTTP.
 * @throws ConfigurationError when an option is not usable or the store cannot be opened
 * @example
 * await startServer({ operations: [resizeImage], http: { port: 3000 } });
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const {
    store = defaultStoreUrl(process.env),
    concurrency = 50,
    principalShare = DEFAULT_PRINCIPAL_SHARE,
    worker = true,
    maxResultBytes,
    leaseSeconds = 30,
    keyPrefix,
    inlineWindowMs = 1000,
  } = options;
  checkInlineWindow(inlineWindowMs);
  checkRunOptions({ concurrency, principalShare, maxResultBytes, leaseSeconds });
  const limits = taskLimits(options);
  if (!worker) checkShared(store);
  const operations = checkOperations(options.operations);
  const settings = readWebhookOptions(options.webhooks, process.env);
  const observation = await startObservation({
    options: options.observability,
    onLog: options.onLog,
    operations,
    defaultSlaSeconds: limits.defaultTimeoutSeconds,
    metrics: options.http !== undefined,
    defaultLevel: options.http === undefined ? 'error' : 'info',
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
  const webhooks = createWebhookGate(settings, deliveries);
  const onCreated = activity.initiated;
  const tasks = createTaskService({ engine, operations, webhooks, onCreated, ...limits });
  const tools = observeCalls(serverTools({ tasks, operations, inlineWindowMs }), activity);
  const offer: Offer = { tools, tasks, feed: createTaskFeed(engine) };
  const parts: Parts = {
    ...announcing,
    observation,
    offer,
    createServer: principal => createMcpServer(offer, principal),
    startWorker: () =>
      worker
        ? startEngineWorker({ ...announcing, operations, settings, concurrency, principalShare, activity })
        : undefined,
  };
  try {
    return options.http === undefined
      ? await onStdio(options, parts)
      : await onHttp(options, options.http, parts);
  } catch (error) {
    observation.stop();
    await engine.close();
    throw error;
  }
}

/** @throws ConfigurationError */
function checkInlineWindow(inlineWindowMs: number): void {
  if (inlineWindowMs >= 0 && inlineWindowMs <= 20_000) return;
  throw new ConfigurationError(
    `Expected \`inlineWindowMs\` to be a number from 0 to 20000, got ${inlineWindowMs}`,
  );
}

interface Parts extends AnnouncingEngine {
  readonly observation: Observation;
  readonly offer: Offer;
  createServer(principal: string): ReturnType<typeof createMcpServer>;
  /** Once the server serves: one that cannot must not take tasks that it would drop. */
  startWorker(): EngineWorker | undefined;
}

async function onStdio(
  { stdio, onError = () => {} }: ServerOptions,
  { engine, deliveries, observation, offer, createServer, startWorker }: Parts,
): Promise<RunningServer> {
  const streams = stdio ?? { input: process.stdin, output: process.stdout };
  const server = createServer(LOCAL_PRINCIPAL);
  const { gone } = await serveStdio({ server, offer, principal: LOCAL_PRINCIPAL, onError }, streams);
  const worker = startWorker();
  observation.watch(engine);
  const stopped = newDeferred();
  let stopping = false;
  async function finish(): Promise<void> {
    await gone;
    if (stopping) return stopped.promise;
    streams.output.end();
    await worker?.finish();
    await deliveries.settled();
    observation.stop();
    offer.feed.close();
    await engine.close();
  }
  return {
    url: undefined,
    // A stop while the last tasks are being finished ends that too.
    ended: Promise.race([finish(), stopped.promise]),
    async close(graceMs = 0) {
      stopping = true;
      observation.stop();
      await server.close();
      await worker?.drain(graceMs);
      await deliveries.settled();
      offer.feed.close();
      await engine.close();
      // An open input keeps the process alive, and the client would wait for answers that nobody gives.
      streams.output.end(() => streams.input.destroy());
      stopped.resolve();
    },
  };
}

async function onHttp(
  { onError }: ServerOptions,
  http: NonNullable<ServerOptions['http']>,
  { engine, deliveries, observation, offer, createServer, startWorker }: Parts,
): Promise<RunningServer> {
  const watching = observation.watch(engine);
  const { startHttpServer } = await import('./http/http-server.js');
  const server = await startHttpServer({ ...http, createMcpServer: createServer, offer, watching, onError });
  const worker = startWorker();
  observation.setPhase('serving');
  const stopped = newDeferred();
  return {
    url: server.url,
    ended: stopped.promise,
    async close(graceMs = 0) {
      observation.setPhase('closing');
      const drained = worker?.drain(graceMs);
      await Promise.all([server.close(graceMs, drained), drained]);
      await deliveries.settled();
      observation.stop();
      offer.feed.close();
      await engine.close();
      stopped.resolve();
    },
  };
}
