import { resolve } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { configFileOf } from '../connect/mcp-config.js';
import type { ServerTarget } from '../connect/transport.js';
import { type KnownServer, knownHttpServer, knownStdioServer, type ServerIdentity } from './known-server.js';

const connected = new WeakMap<Client, ServerIdentity>();

/** Remembers what a client was connected to. */
export function rememberServer(client: Client, identity: ServerIdentity): void {
  connected.set(client, identity);
}

/**
 * The identity of a target in the journal.
 * @param resolved what the target stands for
 */
export function identifyTarget(
  target: unknown,
  resolved: ServerTarget,
  configFile: string | undefined,
): ServerIdentity {
  const whole = wholeOf(resolved);
  if (typeof target === 'string' && !/^https?:\/\//i.test(target)) {
    const file = configFileOf({ configFile, directory: process.cwd() }) ?? '';
    // The folder need not be the same: the file says what is started.
    const { cwd: _folder, ...distinction } = { cwd: '', name: target, file, ...whole };
    return { server: { kind: 'named', name: target, configFile: file }, distinction };
  }
  const server =
    'url' in resolved ? knownHttpServer(new URL(resolved.url), resolved.headers) : knownStdioServer(resolved);
  return { server, distinction: whole };
}

/** All of a target, written in one way. Other headers may be another user, other variables another account. */
function wholeOf(target: ServerTarget): Readonly<Record<string, unknown>> {
  if ('url' in target) return { url: String(target.url), headers: target.headers ?? {} };
  const { command, args = [], env = {}, cwd = '.' } = target;
  return { command, args, env, cwd: resolve(cwd) };
}

/** What the user says, else what the client was connected to, else the name with which the server introduces itself. */
export function identityOf(client: Client, given: string | KnownServer | undefined): ServerIdentity {
  const known = connected.get(client);
  if (typeof given === 'string') {
    // The name alone tells servers apart; how to reach it again is known all the same.
    const server: KnownServer = known?.server ?? { kind: 'other', name: given };
    return { server, distinction: { name: given } };
  }
  if (given !== undefined) return { server: given, distinction: given };
  if (known !== undefined) return known;
  const server: KnownServer = { kind: 'other', name: client.getServerVersion()?.name ?? 'unnamed' };
  return { server, distinction: server };
}
