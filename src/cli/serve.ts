import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { HttpServerOptions } from '../server/http/http-server.js';
import { parseTokenFile } from '../server/http/principals.js';
import { type RunningServer, startServer } from '../server/index.js';
import type { StdioStreams } from '../server/stdio.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { OperationFlags, StoreFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { offeredOperations } from './offered-operations.js';
import { relayedStreams } from './stdio-relay.js';
import { untilEnded } from './until-ended.js';

export interface ServeFlags extends OperationFlags, StoreFlags {
  readonly http?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly allowedHost?: readonly string[];
  readonly allowedOrigin?: readonly string[];
  /** False with `--no-worker`. */
  readonly worker: boolean;
}

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
    // Whoever reaches a port gets the servers that the operator names, not those that happen to be configured here.
    operations: await offeredOperations({ flags, nearestServers: flags.http !== true, io }),
    store: flags.store,
    concurrency: flags.concurrency,
    leaseSeconds: flags.lease === undefined ? undefined : flags.lease / 1000,
    worker: flags.worker,
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
