import type { Engine, EngineWorker } from '../engine/engine.js';
import { openEngine } from '../engine/open-engine.js';
import { defaultStoreUrl } from '../engine/state-folder.js';
import { type HttpServerOptions, startHttpServer } from './http/http-server.js';
import { LOCAL_PRINCIPAL } from './http/principals.js';
import { createMcpServer } from './mcp-server.js';
import { type Operation, operationsByName } from './operation.js';
import { createExecute } from './runner.js';
import { type StdioStreams, serveStdio } from './stdio.js';
import { createTaskService } from './task-service.js';
import { serverTools } from './tools/index.js';

export interface ServerOptions {
  /** The background work on offer. */
  readonly operations: readonly Operation[];
  /** Where tasks live: `sqlite:PATH` or `memory:`. @default a SQLite file in the state folder */
  readonly store?: string | undefined;
  /** Most tasks that run at the same time. @default 50 */
  readonly concurrency?: number | undefined;
  /** How long a task and its result are kept, in seconds. @default 86400 */
  readonly ttlSeconds?: number | undefined;
  /** Largest result of a task, in bytes of its JSON. @default 16777216 (16 MiB) */
  readonly maxResultBytes?: number | undefined;
  /** Serves Streamable HTTP with these options instead of the standard streams. */
  readonly http?: Omit<HttpServerOptions, 'createMcpServer' | 'onError' | 'now'> | undefined;
  /** Serves these streams. @default the standard streams */
  readonly stdio?: StdioStreams | undefined;
  /** Told what went wrong and was not a caller's to know. */
  readonly onError?: ((error: unknown) => void) | undefined;
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
  const operations = operationsByName(options.operations);
  const {
    store = defaultStoreUrl(process.env),
    concurrency = 50,
    ttlSeconds = 86_400,
    maxResultBytes,
  } = options;
  const engine = await openEngine(store, { maxResultBytes });
  const tools = serverTools(createTaskService({ engine, operations, ttlSeconds }), operations);
  const worker = engine.startWorker({
    execute: createExecute(options.operations),
    operations: [...operations.keys()],
    concurrency,
  });
  const parts = { engine, worker, createServer: (principal: string) => createMcpServer(tools, principal) };
  try {
    return options.http === undefined
      ? await onStdio(options, parts)
      : await onHttp(options, options.http, parts);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

interface Parts {
  readonly engine: Engine;
  readonly worker: EngineWorker;
  readonly createServer: (principal: string) => ReturnType<typeof createMcpServer>;
}

async function onStdio(
  { stdio }: ServerOptions,
  { engine, worker, createServer }: Parts,
): Promise<RunningServer> {
  const streams = stdio ?? { input: process.stdin, output: process.stdout };
  const server = createServer(LOCAL_PRINCIPAL);
  const { gone } = await serveStdio(server, streams);
  const end = async () => {
    await gone;
    streams.output.end();
    await worker.finish();
    await engine.close();
  };
  return {
    url: undefined,
    ended: end(),
    async close(graceMs = 0) {
      await server.close();
      await worker.drain(graceMs);
      await engine.close();
    },
  };
}

async function onHttp(
  { onError }: ServerOptions,
  http: NonNullable<ServerOptions['http']>,
  { engine, worker, createServer }: Parts,
): Promise<RunningServer> {
  const server = await startHttpServer({ ...http, createMcpServer: createServer, onError });
  const { promise: ended, resolve } = newPromise();
  return {
    url: server.url,
    ended,
    async close(graceMs = 0) {
      await Promise.all([server.close(graceMs), worker.drain(graceMs)]);
      await engine.close();
      resolve();
    },
  };
}

function newPromise(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>(settle => {
    resolve = settle;
  });
  return { promise, resolve };
}
