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
  readonly authIssuer?: string;
  readonly authAudience?: string;
  readonly authScope?: readonly string[];
  readonly authAllowPrivate?: boolean;
  readonly publicUrl?: string;
  readonly allowedHost?: readonly string[];
  readonly allowedOrigin?: readonly string[];
  readonly localOrigins?: boolean;
  readonly taskPage?: boolean;
  readonly trustedProxy?: readonly string[];
}

/** The first of these flags that was given. */
export function strayHttpFlag(flags: ListenFlags): string | undefined {
  const { host, port, token, tokenFile, allowedHost, allowedOrigin, localOrigins } = flags;
  const { authIssuer, authAudience, authScope, authAllowPrivate, publicUrl } = flags;
  const httpOnly = {
    '--host': host,
    '--port': port,
    '--token': token,
    '--token-file': tokenFile,
    '--auth-issuer': authIssuer,
    '--auth-audience': authAudience,
    '--auth-scope': authScope,
    '--auth-allow-private': authAllowPrivate,
    '--public-url': publicUrl,
    '--allowed-host': allowedHost,
    '--allowed-origin': allowedOrigin,
    '--local-origins': localOrigins,
    '--task-page': flags.taskPage || undefined,
    '--trusted-proxy': flags.trustedProxy,
  };
  return Object.entries(httpOnly).find(([, value]) => value !== undefined)?.[0];
}

/** @throws UsageError */
export async function httpOptions(
  token: string | undefined,
  { server, authorization: given }: Pick<Settings, 'server' | 'authorization'>,
  io: CommandIo,
): Promise<Omit<HttpServerOptions, 'createMcpServer'>> {
  const { host, port, tokenFile, ...rest } = server;
  const { allowedHosts, allowedOrigins, localOrigins, trustedProxies, maxPendingBytes } = rest;
  const authorization = authorizationOptions(given);
  const tokens = token === undefined ? await tokensOf(tokenFile, io) : [token];
  const policy = { allowedHosts, allowedOrigins, localOrigins, trustedProxies };
  return { host, port, tokens, authorization, ...policy, maxPendingBytes };
}

/** @throws UsageError */
export function checkTokenFlags({ token, tokenFile }: ListenFlags): void {
  if (token !== undefined && tokenFile !== undefined)
    throw new UsageError('Give --token or --token-file, not both.');
}

async function tokensOf(file: string | undefined, io: CommandIo): Promise<readonly string[]> {
  return file === undefined ? [] : readSecretFile(file, 'token', io);
}

/** @throws UsageError for settings that would check nobody's token, or any server's */
function authorizationOptions({
  issuer,
  audience,
  scopes,
  publicUrl,
  allowPrivate,
}: Settings['authorization']): HttpServerOptions['authorization'] {
  if (issuer === undefined) {
    const stray = { '--auth-audience': audience, '--auth-scope': scopes[0], '--public-url': publicUrl };
    const [flag] = Object.entries(stray).find(([, value]) => value !== undefined) ?? [];
    if (flag === undefined) return undefined;
    throw new UsageError(`${flag} goes with --auth-issuer: without an issuer, no access token is taken.`);
  }
  if (audience === undefined)
    throw new UsageError(
      '--auth-issuer needs --auth-audience: without it, a token for any other server would be let in.',
    );
  return { issuer, audience, scopes, publicUrl, allowPrivate };
}
