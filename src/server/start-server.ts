import type { EngineWorker } from '../engine/engine.js';
import { newDeferred } from '../time/deferred.js';
import { type OptionNames, refuseUnknownOptions } from '../unknown-option.js';
import { sections } from './config/config-schema.js';
import { settingValues } from './config/setting-values.js';
import type { HttpServerOptions } from './http/http-server.js';
import { isOpenToAll, LOCAL_PRINCIPAL } from './http/principals.js';
import { observeCalls } from './observability/activity.js';
import { fixedTools, type Offer } from './offer.js';
import { createMcpServer } from './revision-2025-11-25/mcp-server.js';
import { openRuntime, type Runtime, type RuntimeOptions, runtimeOptionNames } from './runtime.js';
import { type StdioStreams, serveStdio } from './stdio.js';
import { createTaskFeed } from './task-feed.js';
import { type TaskLimitOptions, taskLimitSettings, taskLimits } from './task-limits.js';
import { createTaskService } from './task-service.js';
import { serverTools } from './tools/index.js';
import { createWebhookGate } from './webhooks/webhook-gate.js';

export interface ServerOptions extends RuntimeOptions, TaskLimitOptions {
  /** Whether this process also runs tasks; if not, a worker on the same store must. @default true */
  readonly worker?: boolean | undefined;
  /**
   * Milliseconds for which a call of an operation's own tool is held, 0 to 20000: a task that ends within them is answered
   * with its result, any other with its reference. @default 1000
   */
  readonly inlineWindowMs?: number | undefined;
  /**
   * Milliseconds for which such a call is held instead, whichever host calls, at most an hour. @default as the host is known to
   * wait, else `inlineWindowMs`
   */
  readonly hostTimeoutMs?: number | undefined;
  /** Serves Streamable HTTP with these options instead of the standard streams. */
  readonly http?:
    | Omit<HttpServerOptions, 'createMcpServer' | 'offer' | 'watching' | 'taskPage' | 'onError' | 'now'>
    | undefined;
  /** Whether the page of the caller's tasks is served over HTTP, at `/tasks`. @default false */
  readonly taskPage?: boolean | undefined;
  /** Serves these streams. @default the standard streams */
  readonly stdio?: StdioStreams | undefined;
}

const optionNames: OptionNames<ServerOptions> = {
  ...runtimeOptionNames,
  ...taskLimitSettings,
  worker: true,
  inlineWindowMs: true,
  hostTimeoutMs: true,
  taskPage: true,
  http: true,
  stdio: true,
};
const httpOptionNames: OptionNames<NonNullable<ServerOptions['http']>> = {
  host: true,
  port: true,
  tokens: true,
  allowedHosts: true,
  allowedOrigins: true,
  localOrigins: true,
  trustedProxies: true,
  maxSessions: true,
  sessionIdleMs: true,
  maxBodyBytes: true,
  maxPendingBytes: true,
  authorization: true,
};

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
  refuseUnknownOptions('`startServer`', options, optionNames);
  refuseUnknownOptions('`http`', options.http, httpOptionNames);
  const { worker = true } = options;
  const { inlineWindowMs, hostTimeoutMs } = sections.server;
  const holding = settingValues({ inlineWindowMs, hostTimeoutMs }, options);
  const limits = taskLimits(options);
  const runtime = await openRuntime(options, {
    limits,
    isShared: !worker,
    defaultSlaSeconds: limits.defaultTimeoutSeconds,
    metrics: options.http !== undefined,
    defaultLevel: options.http === undefined ? 'error' : 'info',
  });
  const { engine, deliveries, operations, settings, observation } = runtime;
  const { activity } = observation;
  const webhooks = createWebhookGate(settings, deliveries);
  const onCreated = activity.initiated;
  const tasks = createTaskService({ engine, operations, webhooks, onCreated, ...limits });
  const tools = observeCalls(serverTools({ tasks, operations, ...holding }), activity);
  const listsTasks =
    options.http === undefined || !isOpenToAll(options.http.tokens, options.http.authorization);
  const answers = listsTasks ? tasks : { ...tasks, list: undefined };
  const offer: Offer = { tools: fixedTools(tools), tasks: answers, feed: createTaskFeed(engine) };
  const parts: Parts = {
    ...runtime,
    offer,
    startWorker: () => (worker ? runtime.startWorker() : undefined),
  };
  try {
    return options.http === undefined
      ? await onStdio(options, parts)
      : await onHttp(options, options.http, parts);
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

interface Parts extends Omit<Runtime, 'startWorker'> {
  readonly offer: Offer;
  /** Once the server serves: one that cannot must not take tasks that it would drop. */
  startWorker(): EngineWorker | undefined;
}

async function onStdio(
  { stdio, onError = () => {} }: ServerOptions,
  { engine, observation, offer, startWorker, close }: Parts,
): Promise<RunningServer> {
  const streams = stdio ?? { input: process.stdin, output: process.stdout };
  const server = createMcpServer(offer, LOCAL_PRINCIPAL);
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
    offer.feed.close();
    await close();
  }
  return {
    url: undefined,
    // A stop while the last tasks are being finished ends that too.
    ended: Promise.race([finish(), stopped.promise]),
    async close(graceMs = 0) {
      stopping = true;
      await server.close();
      await worker?.drain(graceMs);
      offer.feed.close();
      await close();
      // An open input keeps the process alive, and the client would wait for answers that nobody gives.
      streams.output.end(() => streams.input.destroy());
      stopped.resolve();
    },
  };
}

async function onHttp(
  { onError, taskPage: withPage }: ServerOptions,
  http: NonNullable<ServerOptions['http']>,
  { engine, deliveries, observation, offer, startWorker, close }: Parts,
): Promise<RunningServer> {
  const watching = observation.watch(engine);
  const { startHttpServer } = await import('./http/http-server.js');
  const taskPage = withPage === true ? { engine, announce: deliveries.announce } : undefined;
  const server = await startHttpServer({
    ...http,
    ...{ offer, watching, taskPage, onError },
    createMcpServer: principal => createMcpServer(offer, principal),
  });
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
      offer.feed.close();
      await close();
      stopped.resolve();
    },
  };
}
