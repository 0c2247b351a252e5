import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ConfigurationError } from '../../errors.js';
import { isWithin } from '../../time/at-most.js';
import { ChangeNotice } from '../../time/change-notice.js';
import { repeat } from '../../time/repeat.js';
import type { Offer } from '../offer.js';
import type { TaskPageSource } from '../task-page/task-page.js';
import type { AuthorizationOptions } from './access-tokens.js';
import { limitMistakes } from './client-mistakes.js';
import { EventLog } from './event-log.js';
import { isWildcard } from './guards.js';
import { checkAddress, listen } from './listen.js';
import { PendingBytes } from './pending-bytes.js';
import { parseTokens } from './principals.js';
import { handleRequest, type RequestHandlerOptions } from './request-handler.js';
import { RevisionEndpoint } from './revision-endpoint.js';
import { SessionRegistry } from './session-registry.js';
import { MCP_PATH, type Watching } from './watch-endpoints.js';

/** The responses under way: what a server that closes waits for. */
class OpenResponses {
  readonly #open = new Map<ServerResponse, 'answer' | 'stream'>();
  readonly #changed = new ChangeNotice();

  add(request: IncomingMessage, response: ServerResponse): void {
    // A GET on the MCP endpoint opens a stream that never ends by itself.
    this.#open.set(response, request.method === 'GET' ? 'stream' : 'answer');
    response.once('close', () => {
      this.#open.delete(response);
      this.#changed.announce();
    });
  }

  /** The response has no end of its own after all. */
  markStream(response: ServerResponse): void {
    if (!this.#open.has(response)) return;
    this.#open.set(response, 'stream');
    this.#changed.announce();
  }

  /** Resolves when every request that has an end has been answered, at the latest after `timeoutMs`. */
  answersEnded(timeoutMs: number): Promise<boolean> {
    return this.#until(() => ![...this.#open.values()].includes('answer'), timeoutMs);
  }

  /** Resolves when nothing is open any more, at the latest after `timeoutMs`. */
  allEnded(timeoutMs: number): Promise<boolean> {
    return this.#until(() => this.#open.size === 0, timeoutMs);
  }

  #until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    const untilTrue = async () => {
      while (!condition()) await this.#changed.next;
    };
    return isWithin(untilTrue(), timeoutMs);
  }
}

export interface HttpServerOptions {
  /** Makes the SDK server of one session. */
  createMcpServer(principal: string): Server;
  /** What is offered in revision 2026-07-28; without it, there are sessions only. */
  readonly offer?: Offer | undefined;
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** 0 takes any free port. @default 3000 */
  readonly port?: number | undefined;
  /** Bearer tokens, as `name=token` or bare; needed to listen on an address that is not loopback. @default [] */
  readonly tokens?: readonly string[] | undefined;
  /** Takes access tokens of an authorization server, besides `tokens`. @default off */
  readonly authorization?: AuthorizationOptions | undefined;
  /** Names besides loopback and `host` that clients may use. @default [] */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins, besides pages of those hosts, whose pages may call. @default [] */
  readonly allowedOrigins?: readonly string[] | undefined;
  /**
   * Whether pages of this machine may call, whichever port they come from (`http://localhost:5173`).
   * @default true if callers need a token, else false
   */
  readonly localOrigins?: boolean | undefined;
  /**
   * Proxies (`10.0.0.0/8`, `loopback`) whose `X-Forwarded-For` says where a sign-in to the page of tasks comes from. @default []
   */
  readonly trustedProxies?: readonly string[] | undefined;
  /** @default 1000 */
  readonly maxSessions?: number | undefined;
  /** Milliseconds after which an unused session is closed. @default 1800000 (30 minutes) */
  readonly sessionIdleMs?: number | undefined;
  /** Longest request body in bytes. @default 4194304 (4 MiB) */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Most bytes of one principal's unfinished requests and unread answers; what is beyond is refused with 429.
   * @default 33554432 (32 MiB)
   */
  readonly maxPendingBytes?: number | undefined;
  /** What the probes and the metrics tell. */
  readonly watching?: Watching | undefined;
  /** Where the page of tasks comes from; without it, there is none. */
  readonly taskPage?: TaskPageSource | undefined;
  /** Told what went wrong and was not the client's to know. Holds no token. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds that only move forward. @default performance.now */
  readonly now?: (() => number) | undefined;
}

export interface HttpServer {
  /** Where the MCP endpoint is: `http://127.0.0.1:3000/mcp`. */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no new work, gives the open requests `graceMs` to end, then closes all sessions and connections. It listens
   * until then, and until `drained` settles, so that a balancer's probes learn why.
   */
  close(graceMs: number, drained?: Promise<unknown>): Promise<void>;
}

const MAX_SWEEP_MS = 60_000;

const LAST_WORDS_MS = 1000;

/** What holds where the options do not say so. */
export const HTTP_LIMITS = {
  maxSessions: 1000,
  maxBodyBytes: 4 * 1024 * 1024,
  maxPendingBytes: 32 * 1024 * 1024,
  /** How long a client may take to send its headers, and all of its request. */
  headersTimeoutMs: 60_000,
  requestTimeoutMs: 120_000,
} as const;

/**
 * Serves MCP over Streamable HTTP.
 * @throws ConfigurationError when the address cannot be listened on, or must not be without a token.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host = '127.0.0.1', port = 3000, sessionIdleMs = 30 * 60_000 } = options;
  const tokens = parseTokens(options.tokens ?? []);
  const hasToken = tokens.length > 0 || options.authorization !== undefined;
  checkAddress({ host, port, hasToken, tokenFlag: '--token or --auth-issuer' });
  const now = options.now ?? (() => performance.now());
  const limits = { maxSessions: options.maxSessions ?? HTTP_LIMITS.maxSessions, idleMs: sessionIdleMs };
  const sessions = new SessionRegistry(limits, now);
  let closing = false;
  const responses = new OpenResponses();
  const onError = (error: unknown) => options.onError?.(error);
  const { offer } = options;
  const revisionEndpoint =
    offer && new RevisionEndpoint({ offer, onError, onStream: response => responses.markStream(response) });
  const hostPolicy = {
    boundHost: host,
    allowedHosts: options.allowedHosts ?? [],
    allowedOrigins: options.allowedOrigins ?? [],
    localOrigins: options.localOrigins ?? hasToken,
  };
  const taskPage = await openTaskPage(options, { tokens, hostPolicy });
  let url = '';
  // What checks them is loaded with the first server that takes them.
  const accessTokens =
    options.authorization &&
    new (await import('./access-tokens.js')).AccessTokens(options.authorization, () => url, onError);
  const handlerOptions: RequestHandlerOptions = {
    sessions,
    events: new EventLog(now),
    revisionEndpoint,
    tokens,
    accessTokens,
    createMcpServer: principal => options.createMcpServer(principal),
    onError,
    onMistake: limitMistakes(onError),
    hostPolicy,
    watching: options.watching,
    taskPage,
    maxBodyBytes: options.maxBodyBytes ?? HTTP_LIMITS.maxBodyBytes,
    pendingBytes: new PendingBytes(options.maxPendingBytes ?? HTTP_LIMITS.maxPendingBytes),
    isClosing: () => closing,
  };
  // Keep-alive probes find out that a client with an open stream has vanished.
  const timeouts = {
    headersTimeout: HTTP_LIMITS.headersTimeoutMs,
    requestTimeout: HTTP_LIMITS.requestTimeoutMs,
  };
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: 60_000 };
  const server = createServer({ ...timeouts, ...keepAlive }, (request, response) => {
    // Those that come later are answered at once, and nobody waits for them.
    if (!closing) responses.add(request, response);
    void handleRequest(request, response, handlerOptions);
  });
  const boundPort = await listen(server, host, port);
  url = `http://${reachableName(host)}:${boundPort}${MCP_PATH}`;
  server.on('error', handlerOptions.onError);
  const stopSweeping = repeat(async () => sessions.sweep(), Math.min(sessionIdleMs, MAX_SWEEP_MS));

  async function closeOnce(graceMs: number, drained: Promise<unknown> | undefined): Promise<void> {
    closing = true;
    await stopSweeping();
    await Promise.allSettled([responses.answersEnded(graceMs), drained]);
    const closed = new Promise(resolve => server.close(resolve));
    revisionEndpoint?.close();
    await sessions.closeAll();
    await responses.allEnded(LAST_WORDS_MS);
    server.closeAllConnections();
    await closed;
  }

  let closed: Promise<void> | undefined;
  return {
    url,
    port: boundPort,
    close(graceMs, drained) {
      closed ??= closeOnce(graceMs, drained);
      return closed;
    },
  };
}

/** @throws ConfigurationError where the page would be open, although callers have to show who they are */
async function openTaskPage(
  { taskPage, authorization, trustedProxies = [], onError }: HttpServerOptions,
  guards: Pick<RequestHandlerOptions, 'tokens' | 'hostPolicy'>,
): Promise<RequestHandlerOptions['taskPage']> {
  if (taskPage === undefined) return undefined;
  if (authorization !== undefined && guards.tokens.length === 0) {
    throw new ConfigurationError(
      'The page of tasks takes no access tokens of an issuer, and nothing else guards it here: pass --token or --token-file, or leave --task-page out',
    );
  }
  const { createTaskPage } = await import('../task-page/task-page.js');
  return createTaskPage({ ...taskPage, ...guards, trustedProxies, isOperator: false, onError });
}

/** A name under which this machine reaches the server, and which the Host check accepts. */
function reachableName(host: string): string {
  const name = isWildcard(host) ? (host.includes(':') ? '::1' : '127.0.0.1') : host;
  return name.includes(':') ? `[${name}]` : name;
}
