import { authorizationOf } from '../client/authorization/authorization.js';
import { limitedFetch } from '../client/authorization/limited-fetch.js';
import { SIGN_IN } from '../client/authorization/sign-in.js';
import { AwaitClient } from '../client/await-client.js';
import { resolveTarget } from '../client/connect/connect.js';
import { configFileOf } from '../client/connect/mcp-config.js';
import type { HttpTarget } from '../client/connect/transport.js';
import { messageOf } from '../client/faults/failure.js';
import { displayUrl } from '../client/http/url-parts.js';
import { underProcessLock } from '../storage/process-lock.js';
import { canAsk } from './ask/terminal-asker.js';
import { useSettings } from './config/load-settings.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import { watchInterrupts } from './interrupts.js';
import type { CommandIo } from './io.js';
import { printLines } from './report.js';
import { readSecretFile } from './secret-file.js';
import { chooseServer } from './server-choice.js';
import { type SavedSignIn, SignInFile } from './sign-in/saved-sign-in.js';
import { clientOfFile, type NamedServer, openSignIns, parseRedirectUrl } from './sign-in/sign-in.js';
import type { GivenClient } from './sign-in/sign-in-provider.js';
import { plainText } from './terminal-text.js';

export interface LoginFlags extends Pick<ServerFlags, 'config' | 'settings'> {
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly scope?: string;
  readonly redirectUrl?: string;
  readonly browser?: boolean;
  readonly again?: boolean;
}

/** `mcp-await login`: signs in to a server, for every command of this user. */
export async function login(source: string, flags: LoginFlags, io: CommandIo): Promise<number> {
  const server = httpServer(source, flags, io);
  const { name, config, target } = server;
  const where = displayUrl(server.url);
  const settings = await useSettings(flags, io);
  const given = await givenClient(flags, server, io);
  using interrupts = watchInterrupts(io);
  let [isOpen, isPointless] = [false, false];
  using signIns = openSignIns({
    io,
    name,
    config,
    given,
    isAttended: state => {
      // A server that answers everybody has nothing to sign in to where it names no authorization server.
      isPointless =
        isOpen && state?.resourceMetadata === undefined && state?.authorizationServerMetadata === undefined;
      return !isPointless;
    },
    opensBrowser: flags.browser ?? canAsk(io),
  });
  using _stop = interrupts.onFirst(() => signIns[Symbol.dispose]());
  const provider = await signIns.providerOf(target);
  const authorization = authorizationOf(provider, server.url);
  if (flags.again === true) await authorization.signIn();
  const client = await AwaitClient.connect(target, {
    ...settings.connection,
    signal: interrupts.first,
    journal: false,
    [SIGN_IN]: async () => provider,
  });
  try {
    isOpen = provider.tokens() === undefined;
    if (isOpen) {
      await authorization.signIn().catch(error => {
        if (!isPointless) throw error;
      });
    }
  } finally {
    await client.close();
  }
  const tokens = provider.tokens();
  printLines(io, [
    tokens === undefined
      ? `The server at ${where} answers without a sign-in: there is nothing to do.`
      : `Signed in to ${where}${tokens.scope ? ` (scope ${plainText(tokens.scope)})` : ''}.`,
  ]);
  return ExitCode.completed;
}

export interface LogoutFlags {
  readonly config?: string;
}

/** `mcp-await logout`: gives the tokens of a server back and forgets them. */
export async function logout(source: string, flags: LogoutFlags, io: CommandIo): Promise<number> {
  const { url } = httpServer(source, flags, io);
  const where = displayUrl(url);
  const file = new SignInFile(url, io.env);
  using interrupts = watchInterrupts(io);
  const onWait = () => io.stderr.write(`Another process is signing in to ${where}; this one waits for it.\n`);
  const saved = await underProcessLock(
    file.lockPath,
    async () => {
      const known = file.read();
      file.remove();
      return known;
    },
    { signal: interrupts.first, onWait },
  );
  if (saved?.tokens === undefined) {
    printLines(io, [`You were not signed in to ${where}.`]);
    return ExitCode.completed;
  }
  const problem = await revoke(saved).catch(error => messageOf(error));
  if (problem !== undefined)
    io.stderr.write(`The tokens are forgotten here and stay good until they expire: ${problem}.\n`);
  printLines(io, [`Signed out of ${where}.`]);
  return ExitCode.completed;
}

/** Gives the tokens back (RFC 7009). @returns why they are still good */
async function revoke({ client, tokens, revocationUrl }: SavedSignIn): Promise<string | undefined> {
  if (revocationUrl === undefined) return 'the authorization server takes none back';
  const { refresh_token: refresh, access_token: access } = tokens ?? {};
  const sent = [
    ['refresh_token', refresh],
    ['access_token', access],
  ] as const;
  for (const [hint, token] of sent) {
    if (token === undefined) continue;
    const body = new URLSearchParams({ token, token_type_hint: hint });
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' });
    const { client_id: id = '', client_secret: secret } = client ?? {};
    const isBasic = secret !== undefined && client?.token_endpoint_auth_method !== 'client_secret_post';
    if (isBasic) headers.set('authorization', `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`);
    else {
      body.set('client_id', id);
      if (secret !== undefined) body.set('client_secret', secret);
    }
    const { status } = await limitedFetch(() => {})(revocationUrl, { method: 'POST', headers, body });
    // A server need not take access tokens back (RFC 7009, section 2).
    if (status !== 200 && hint === 'refresh_token') return `the authorization server answered HTTP ${status}`;
  }
  return undefined;
}

interface HttpServer extends NamedServer {
  readonly url: URL;
  readonly target: HttpTarget;
}

/** @throws UsageError where nobody can sign in to it */
function httpServer(source: string, { config }: Pick<ServerFlags, 'config'>, io: CommandIo): HttpServer {
  const isUrl = /^https?:\/\//i.test(source);
  if (isUrl && config !== undefined) throw new UsageError('--config goes with the name of a server.');
  if (!isUrl && source.includes('://'))
    throw new UsageError(
      `Expected the name of a server, or a URL with http:// or https://, got one with ${source.split('://')[0]}://`,
    );
  if (!isUrl && configFileOf({ configFile: config, directory: io.cwd() }) === undefined)
    throw new UsageError(
      `There is no .mcp.json or mcp.json in ${io.cwd()} or above it to look the server ${source} up in: give its URL, or name the file with --config.`,
    );
  const chosen = chooseServer(
    isUrl ? { url: source } : { server: source, ...(config && { config }) },
    [],
    io,
  );
  const target = resolveTarget(chosen.target, chosen.configFile);
  if (!('url' in target))
    throw new UsageError(`The server ${source} is started by a command, and nobody signs in to it.`);
  const isToken = Object.keys(target.headers ?? {}).some(name => name.toLowerCase() === 'authorization');
  if (isToken)
    throw new UsageError(
      `The server ${source} is given the header \`Authorization\`: take it away to sign in instead.`,
    );
  return { name: isUrl ? undefined : source, config, url: new URL(target.url), target };
}

/** Flags beat the file. */
async function givenClient(flags: LoginFlags, server: NamedServer, io: CommandIo): Promise<GivenClient> {
  const { clientId, clientSecretFile, scope, redirectUrl } = flags;
  if (clientSecretFile !== undefined && clientId === undefined)
    throw new UsageError('--client-secret-file goes with --client-id.');
  const ofFile = clientOfFile(server, io);
  const [clientSecret] =
    clientSecretFile === undefined ? [] : await readSecretFile(clientSecretFile, 'client secret', io);
  return {
    ...(clientId === undefined ? ofFile : { clientId, clientSecret }),
    scope: scope ?? ofFile.scope,
    redirectUrl: redirectUrl === undefined ? ofFile.redirectUrl : parseRedirectUrl(redirectUrl),
  };
}
