import type { Settings } from '../server/config/config-schema.js';
import type { HttpServerOptions } from '../server/http/http-server.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { readSecretFile } from './secret-file.js';

/** The flags that go with HTTP. */
export interface ListenFlags {
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly allowedHost?: readonly string[];
  readonly allowedOrigin?: readonly string[];
  readonly localOrigins?: boolean;
}

/** The first of these flags that was given. */
export function strayHttpFlag(flags: ListenFlags): string | undefined {
  const { host, port, token, tokenFile, allowedHost, allowedOrigin, localOrigins } = flags;
  const httpOnly = {
    '--host': host,
    '--port': port,
    '--token': token,
    '--token-file': tokenFile,
    '--allowed-host': allowedHost,
    '--allowed-origin': allowedOrigin,
    '--local-origins': localOrigins,
  };
  return Object.entries(httpOnly).find(([, value]) => value !== undefined)?.[0];
}

/** @throws UsageError */
export async function httpOptions(
  token: string | undefined,
  { host, port, tokenFile, allowedHosts, allowedOrigins, localOrigins, maxPendingBytes }: Settings['server'],
  io: CommandIo,
): Promise<Omit<HttpServerOptions, 'createMcpServer'>> {
  const tokens = token === undefined ? await tokensOf(tokenFile, io) : [token];
  return { host, port, tokens, allowedHosts, allowedOrigins, localOrigins, maxPendingBytes };
}

/** @throws UsageError */
export function checkTokenFlags({ token, tokenFile }: ListenFlags): void {
  if (token !== undefined && tokenFile !== undefined)
    throw new UsageError('Give --token or --token-file, not both.');
}

async function tokensOf(file: string | undefined, io: CommandIo): Promise<readonly string[]> {
  return file === undefined ? [] : readSecretFile(file, 'token', io);
}
