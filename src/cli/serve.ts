import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AwaitClient } from '../client/await-client.js';
import { serverNames } from '../client/mcp-config.js';
import type { HttpServerOptions } from '../server/http/http-server.js';
import { parseTokenFile } from '../server/http/principals.js';
import {
  builtInOperations,
  loadOperations,
  type Operation,
  type RunningServer,
  startServer,
} from '../server/index.js';
import type { StdioStreams } from '../server/stdio.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { relayedStreams } from './stdio-relay.js';

export interface ServeFlags {
  readonly http?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly allowedHost?: readonly string[];
  readonly allowedOrigin?: readonly string[];
  readonly store?: string;
  readonly operations?: string;
  readonly concurrency?: number;
  readonly root?: readonly string[];
  readonly allowPrivate?: boolean;
  readonly config?: string;
}

/** How long running tasks may go on after SIGINT or SIGTERM. */
const GRACE_MS = 10_000;

/** The task's SLA bounds a call of `mcp_tool`, however often or seldom the other server says something. */
const UNTIL_THE_SLA = {
  silenceTimeoutMs: Number.POSITIVE_INFINITY,
  maxAttempts: Number.POSITIVE_INFINITY,
  cancelOnAbort: true,
};

/** `mcp-await serve`: the bundled server in this process, on the streams that a relay gave it or over HTTP. */
export async function serve(flags: ServeFlags, io: CommandIo): Promise<number> {
  checkFlags(flags);
  // Whoever read the standard error may leave before the work is done.
  io.stderr.on('error', () => {});
  const stdio = relayedStreams(io);
  const server = await start(flags, stdio, io).catch(error => {
    // Its end tells the relay; an open line would keep this process alive.
    stdio?.input.destroy();
    throw error;
  });
  if (server.url !== undefined) io.stderr.write(`Listening on ${server.url}\n`);
  await untilEnded(server, io);
  return ExitCode.completed;
}

async function start(
  flags: ServeFlags,
  stdio: StdioStreams | undefined,
  io: CommandIo,
): Promise<RunningServer> {
  return startServer({
    operations: await operationsOf(flags, io),
    store: flags.store,
    concurrency: flags.concurrency,
    ...(flags.http === true ? { http: await httpOptions(flags, io) } : { stdio }),
    onError: error => io.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`),
  });
}

function checkFlags({ http, host, port, token, tokenFile, allowedHost, allowedOrigin }: ServeFlags): void {
  const httpOnly = {
    '--host': host,
    '--port': port,
    '--token': token,
    '--token-file': tokenFile,
    '--allowed-host': allowedHost,
    '--allowed-origin': allowedOrigin,
  };
  const stray = Object.entries(httpOnly).find(([, value]) => value !== undefined)?.[0];
  if (http !== true && stray !== undefined) throw new UsageError(`${stray} goes with --http.`);
  if (token !== undefined && tokenFile !== undefined)
    throw new UsageError('Give --token or --token-file, not both.');
}

async function operationsOf(flags: ServeFlags, io: CommandIo): Promise<readonly Operation[]> {
  const own = flags.operations === undefined ? [] : await loadOperations(resolve(io.cwd(), flags.operations));
  // Whoever reaches the port gets the servers that the operator names, not those that happen to be configured here.
  const source = { configFile: flags.config, directory: io.cwd(), environment: io.env };
  const servers = flags.http === true && flags.config === undefined ? [] : serverNames(source);
  const builtIn = builtInOperations({
    hashTree: { roots: (flags.root ?? ['.']).map(root => resolve(io.cwd(), root)) },
    httpRequest: { allowPrivate: flags.allowPrivate === true },
    mcpTool: {
      servers,
      connect: (name, { signal }) =>
        AwaitClient.connect(name, { ...UNTIL_THE_SLA, configFile: flags.config, signal }),
    },
  });
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...builtIn.filter(({ name }) => !names.has(name))];
}

async function httpOptions(
  flags: ServeFlags,
  io: CommandIo,
): Promise<Omit<HttpServerOptions, 'createMcpServer'>> {
  const { host, port, token, tokenFile, allowedHost, allowedOrigin } = flags;
  const tokens = token === undefined ? await readTokens(tokenFile, io) : [token];
  return { host, port, tokens, allowedHosts: allowedHost, allowedOrigins: allowedOrigin };
}

async function readTokens(file: string | undefined, io: CommandIo): Promise<readonly string[]> {
  if (file === undefined) return [];
  const text = await readFile(resolve(io.cwd(), file), 'utf8').catch(cause => {
    throw new UsageError(`The file of --token-file cannot be read: ${cause.message}`, { cause });
  });
  const tokens = parseTokenFile(text);
  // No token at all would let everybody in.
  if (tokens.length === 0) throw new UsageError('The file of --token-file names no token.');
  return tokens;
}

/** Until the server ends by itself, or a signal asks it to; a second signal does not wait. */
async function untilEnded(server: RunningServer, io: CommandIo): Promise<void> {
  let closing: Promise<void> | undefined;
  const stop = () => {
    closing = server.close(closing === undefined ? GRACE_MS : 0);
  };
  io.on('SIGINT', stop);
  io.on('SIGTERM', stop);
  try {
    await server.ended;
    await closing;
  } finally {
    io.off('SIGINT', stop);
    io.off('SIGTERM', stop);
  }
}
