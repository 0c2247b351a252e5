import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import type { Implementation } from '@modelcontextprotocol/sdk/types.js';
import { AwaitAbortedError, AwaitError, ConfigurationError } from '../../errors.js';
import { TimeLimitError } from '../../time/at-most.js';
import { linkSignals, untilAborted } from '../../time/signals.js';
import { type OptionNames, refuseUnknownOptions } from '../../unknown-option.js';
import { VERSION } from '../../version.js';
import { SIGN_IN } from '../authorization/sign-in.js';
import { ReconnectingTransport } from '../connection/reconnecting-transport.js';
import { longestWaitMs, watchSilence } from '../connection/while-heard.js';
import { basicCredentials, displayUrl, withoutCredentials } from '../http/url-parts.js';
import { capabilitiesToAsk } from '../input/pending-questions.js';
import { identifyTarget, rememberServer } from '../journal/identify.js';
import { checkOption } from '../option-check.js';
import { type AwaitClientOptions, clientOptionNames } from '../options.js';
import { HANDED, type HandedServer } from '../stdio/handed-server.js';
import { shareDurations } from '../waiting/known-durations.js';
import { explainConnectFailure } from './connect-failure.js';
import { type ConnectionOptions, connectionOptionNames, resolveConnection } from './connection-options.js';
import { namedServer } from './mcp-config.js';
import {
  type HttpTarget,
  httpTargetNames,
  type OpenOptions,
  openTransport,
  type ServerTarget,
  stdioTargetNames,
} from './transport.js';

/** Where to connect to. A string is an `http(s)://` URL or else a name in an `mcpServers` file. */
export type ConnectTarget = string | URL | ServerTarget;

export interface ConnectOptions extends AwaitClientOptions, ConnectionOptions {
  /** The `mcpServers` file that a name is looked up in. @default the nearest `.mcp.json` or `mcp.json` */
  readonly configFile?: string | undefined;
  /**
   * How long a server may take to say that it speaks MCP without sessions (2026-07-28), in milliseconds; one that is silent
   * is spoken to as one of 2025-11-25 or before. 0 is the same as `discover: false`. @default 3000
   */
  readonly discoverTimeoutMs?: number | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
  /** How this client introduces itself. @default mcp-await and its version */
  readonly clientInfo?: Implementation | undefined;
  /** Whether a lost connection is made anew: of a command by starting it again, over HTTP by a new session. @default true */
  readonly reconnect?: boolean | undefined;
  /** Capabilities of the client, as in the SDK. @default {}, and with `onInput` that it can be asked: `{elicitation: {}}` */
  readonly capabilities?: ClientOptions['capabilities'];
  /** @internal A server that another process has started; it is not started again. */
  readonly [HANDED]?: HandedServer | undefined;
  /** @internal Has the tokens of a server that is given neither a provider nor the header `Authorization`. */
  readonly [SIGN_IN]?: ((server: HttpTarget) => Promise<OAuthClientProvider>) | undefined;
}

const connectOptionNames: OptionNames<ConnectOptions> = {
  ...clientOptionNames,
  ...connectionOptionNames,
  configFile: true,
  discoverTimeoutMs: true,
  signal: true,
  clientInfo: true,
  reconnect: true,
  capabilities: true,
};

/** @throws ConfigurationError that names an option of a target, or of the connection, that there is not */
export function refuseUnknownConnection(target: ConnectTarget, options: ConnectOptions): void {
  refuseUnknownOptions('`AwaitClient.connect`', options, connectOptionNames);
  if (typeof target !== 'object' || target === null || target instanceof URL) return;
  if ('url' in target) refuseUnknownOptions('A target with `url`', target, httpTargetNames);
  else if ('command' in target) refuseUnknownOptions('A target with `command`', target, stdioTargetNames);
}

/** The options that the client takes once it is connected. */
export function clientOptionsOf(options: ConnectOptions): AwaitClientOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => Object.hasOwn(clientOptionNames, name)),
  );
}

const DEFAULT_DISCOVER_TIMEOUT_MS = 3000;
/** Keeps the SDK's time-out behind our own. */
const SDK_TIMEOUT_MARGIN_MS = 60_000;
/** Limits restarts of a command's process, so that one that always exits is not started forever. */
const RESTARTS = { most: 5, withinMs: 60_000 };

/**
 * A connected client of @modelcontextprotocol/sdk.
 * @throws ConfigurationError when the target makes no sense; ServerUnavailableError when it does not answer;
 * AuthorizationError when it wants authorization
 */
export async function connectClient(target: ConnectTarget, options: ConnectOptions): Promise<Client> {
  if (options.reconnect !== undefined) checkOption('reconnect', options.reconnect, 'true or false');
  if (options.discoverTimeoutMs !== undefined)
    checkOption('discoverTimeoutMs', options.discoverTimeoutMs, 'a non-negative number');
  const server = await signedIn(resolveTarget(target, options.configFile), options[SIGN_IN]);
  const { connectTimeoutMs: timeoutMs, discover, maxAnswerBytes } = resolveConnection(options, server);
  const clientInfo = options.clientInfo ?? { name: 'mcp-await', version: VERSION };
  const client = new Client(clientInfo, {
    capabilities: capabilitiesToAsk(options.capabilities, options.onInput !== undefined),
  });
  const transport = reconnectingTransport(server, {
    timeoutMs,
    discoverTimeoutMs: discover ? (options.discoverTimeoutMs ?? DEFAULT_DISCOVER_TIMEOUT_MS) : 0,
    maxAnswerBytes,
    reconnect: options.reconnect ?? true,
    handed: options[HANDED],
  });
  const silent = new AbortController();
  const silence = { timeoutMs, heardAt: () => transport.evidence().heardAt };
  const stopWatching = watchSilence(silence, () =>
    silent.abort(new TimeLimitError(`No answer within ${timeoutMs} ms`)),
  );
  using linked = linkSignals(options.signal, silent.signal);
  try {
    const timeout = longestWaitMs(timeoutMs);
    const connected = client.connect(transport, {
      timeout: timeout + SDK_TIMEOUT_MARGIN_MS,
      signal: linked.signal,
    });
    // The SDK sends `notifications/initialized` without the signal.
    await untilAborted(connected, linked.signal);
    shareDurations(client, server);
    rememberServer(client, identifyTarget(target, server, options.configFile));
    return client;
  } catch (error) {
    const evidence = transport.evidence();
    await client.close().catch(() => {});
    if (options.signal?.aborted) {
      const { reason } = options.signal;
      if (reason instanceof AwaitError) throw reason;
      throw new AwaitAbortedError('Connecting to the server was aborted.', { cause: reason });
    }
    throw explainConnectFailure(
      silent.signal.aborted ? silent.signal.reason : error,
      server,
      evidence,
      timeoutMs,
    );
  } finally {
    stopWatching();
  }
}

interface ReconnectingOptions extends OpenOptions {
  readonly timeoutMs: number;
  readonly reconnect: boolean;
}

function reconnectingTransport(server: ServerTarget, options: ReconnectingOptions): ReconnectingTransport {
  const { timeoutMs, discoverTimeoutMs, maxAnswerBytes, reconnect, handed } = options;
  return new ReconnectingTransport({
    open: established =>
      openTransport(server, {
        // A server that was of revision 2025-11-25 still is when it is started again.
        discoverTimeoutMs: established === '2025-11-25' ? 0 : discoverTimeoutMs,
        maxAnswerBytes,
        handed,
      }),
    explain: (error, evidence) => explainConnectFailure(error, server, evidence, timeoutMs),
    serverText:
      'url' in server ? `The server at ${displayUrl(server.url)}` : `The server \`${server.command}\``,
    timeoutMs,
    reconnect,
    maxAnswerBytes,
    restarts: 'url' in server ? undefined : RESTARTS,
  });
}

/** @throws ConfigurationError when the target makes no sense */
export function resolveTarget(target: ConnectTarget, configFile?: string): ServerTarget {
  if (typeof target === 'string' && !/^https?:\/\//i.test(target)) {
    return checkTarget(
      namedServer(target, { configFile, directory: process.cwd(), environment: process.env }),
    );
  }
  return checkTarget(typeof target === 'string' || target instanceof URL ? { url: target } : target);
}

async function signedIn(server: ServerTarget, signIn: ConnectOptions[typeof SIGN_IN]): Promise<ServerTarget> {
  if (signIn === undefined || !('url' in server)) return server;
  if (server.authProvider !== undefined || namesAuthorization(server)) return server;
  return { ...server, authProvider: await signIn(server) };
}

function namesAuthorization({ headers }: HttpTarget): boolean {
  return Object.keys(headers ?? {}).some(name => name.toLowerCase() === 'authorization');
}

function checkTarget(target: ServerTarget): ServerTarget {
  if ('url' in target) {
    checkHeaders(target);
    checkProvider(target);
    return withCredentialsInHeader(target, checkUrl(target));
  }
  if (typeof target.command === 'string' && target.command !== '') return target;
  throw new ConfigurationError(
    'Expected a target to be an http(s) URL, {url}, {command} or the name of a server',
  );
}

function checkUrl({ url }: HttpTarget): URL {
  const text = String(url);
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed;
  // Everything else may be secret: user, password, query.
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(text)?.[0];
  const got = scheme === undefined ? 'one without a scheme' : `one with ${scheme} that cannot be used`;
  throw new ConfigurationError(`Expected the server's \`url\` to be an http:// or https:// URL, got ${got}`);
}

/** User and password leave the URL here, so that no message and no record can show them. A header that is given wins. */
function withCredentialsInHeader(target: HttpTarget, url: URL): HttpTarget {
  const credentials = basicCredentials(url);
  if (credentials === undefined) return { ...target, url };
  if (target.authProvider !== undefined)
    throw new ConfigurationError(
      'Give either an `authProvider` or a user and a password in the URL, not both.',
    );
  const headers = { ...target.headers, ...(!namesAuthorization(target) && { Authorization: credentials }) };
  return { ...target, url: withoutCredentials(url), headers };
}

function checkProvider(target: HttpTarget): void {
  const { authProvider } = target;
  if (authProvider === undefined) return;
  if (typeof authProvider?.tokens !== 'function')
    throw new ConfigurationError(
      'Expected `authProvider` to be an OAuthClientProvider of @modelcontextprotocol/sdk, which has a method `tokens`',
    );
  if (namesAuthorization(target))
    throw new ConfigurationError('Give either an `authProvider` or the header `Authorization`, not both.');
}

/** Here, because the message of a request that fails for a header shows the header's value. */
function checkHeaders({ headers }: HttpTarget): void {
  for (const [name, value] of Object.entries(headers ?? {})) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new ConfigurationError(
        `The header \`${name}\` cannot be sent: its name or its value has characters that HTTP does not allow.`,
      );
    }
  }
}
