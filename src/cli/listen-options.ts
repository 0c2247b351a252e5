import type { Settings } from '../server/config/config-schema.js';
import type { HttpServerOptions } from '../server/http/http-server.js';
import { UsageError } from './exit-code.js';
import { givenFlags } from './given-flags.js';
import type { CommandIo } from './io.js';
import { readSecretFile } from './secret-file.js';

/** Of the flags that go with HTTP, those that are no settings, or are looked at here. */
export interface ListenFlags {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly taskPage?: boolean;
}

const WITH_HTTP = [
  '--host',
  '--port',
  '--token',
  '--token-file',
  '--auth-issuer',
  '--auth-audience',
  '--auth-scope',
  '--auth-allow-private',
  '--public-url',
  '--allowed-host',
  '--allowed-origin',
  '--local-origins',
  '--task-page',
  '--trusted-proxy',
];

/** @throws UsageError for a flag that says nothing without HTTP */
export function refuseHttpFlags(flags: ListenFlags): void {
  const [stray] = givenFlags({ ...flags, taskPage: flags.taskPage || undefined }, WITH_HTTP);
  if (stray !== undefined) throw new UsageError(`${stray} goes with --http.`);
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
