import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TaskPageHandler } from '../task-page/task-page.js';
import type { AccessTokens } from './access-tokens.js';
import { type HostPolicy, isAllowedHost, isAllowedOrigin } from './guards.js';
import { handleMcp, type McpEndpointOptions } from './mcp-endpoint.js';
import type { PendingBytes } from './pending-bytes.js';
import { authenticate, type KnownToken } from './principals.js';
import { readJsonBody } from './request-body.js';
import {
  type HttpRefusal,
  notFound,
  refuseRequest,
  sendJson,
  unauthorized,
  wrongMethod,
} from './responses.js';
import {
  answerHealth,
  answerMetrics,
  answerReady,
  countRequest,
  HEALTH_PATH,
  isTasksPath,
  MCP_PATH,
  METRICS_PATH,
  READY_PATH,
  type Watching,
} from './watch-endpoints.js';

/** What the browser asks beforehand. */
const PREFLIGHT_HEADERS = new Headers({
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-allow-headers':
    'Accept, Authorization, Content-Type, Last-Event-ID, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id',
  'access-control-max-age': '600',
});

const MCP_METHODS: readonly string[] = ['GET', 'POST', 'DELETE'];

const NO_METRICS = 'The metrics take a token of --token-file only, and this server has none';

export interface RequestHandlerOptions extends McpEndpointOptions {
  /** Told what went wrong here. */
  onError(error: unknown): void;
  readonly hostPolicy: HostPolicy;
  readonly tokens: readonly KnownToken[];
  /** Tokens of an authorization server; undefined where none are taken. */
  readonly accessTokens: AccessTokens | undefined;
  readonly maxBodyBytes: number;
  readonly pendingBytes: PendingBytes;
  readonly watching: Watching | undefined;
  /** Undefined where there is no page of tasks. */
  readonly taskPage: TaskPageHandler | undefined;
  /** Whether the server has begun to close. */
  isClosing(): boolean;
}

/** Answers one HTTP request. Never rejects. */
export async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  options: RequestHandlerOptions,
): Promise<void> {
  try {
    await route(request, response, options);
  } catch (error) {
    // A client that hung up while it was sending is no news.
    if (response.destroyed || request.errored) return;
    options.onError(error);
    if (response.headersSent) response.destroy();
    else refuseRequest(response, { status: 500, code: -32603, message: 'Internal error' });
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  options: RequestHandlerOptions,
): Promise<void> {
  if (await answerWatcher(request, response, options)) return;
  const path = pathOf(request);
  const refusal = guardRefusal(request, options.hostPolicy);
  if (refusal !== undefined) return refuseRequest(response, refusal);
  const metadata = options.accessTokens?.metadataAt(path);
  if (path !== MCP_PATH && metadata === undefined)
    return refuseRequest(response, notFound(`Nothing here: the MCP endpoint is ${MCP_PATH}`));
  const { origin } = request.headers;
  if (origin !== undefined) response.setHeaders(crossOriginHeaders(origin));
  if (request.method === 'OPTIONS' && origin !== undefined) {
    response.setHeaders(PREFLIGHT_HEADERS);
    response.writeHead(204).end();
    return;
  }
  if (metadata !== undefined) {
    if (request.method === 'GET' || request.method === 'HEAD') return sendJson(response, 200, metadata);
    return refuseRequest(response, wrongMethod(['GET', 'HEAD']));
  }
  if (!MCP_METHODS.includes(request.method ?? '')) return refuseRequest(response, wrongMethod(MCP_METHODS));
  const principal = await principalOf(request, options);
  if (typeof principal !== 'string') return refuseRequest(response, principal);
  if (options.isClosing()) return refuseRequest(response, closing());
  const pending = options.pendingBytes.open(principal, response);
  const exchange = { request, response, principal, pending };
  if (!pending.received(0)) {
    request.resume();
    return refuseRequest(response, pending.refusal());
  }
  if (request.method !== 'POST') return handleMcp({ ...exchange, body: undefined }, options);
  const body = await readJsonBody(request, { maxBytes: options.maxBodyBytes, pending });
  if (body.kind === 'refusal') return refuseRequest(response, body.refusal);
  return handleMcp({ ...exchange, body: body.value }, options);
}

/** A token that the operator has given counts before one of an authorization server. */
async function principalOf(
  { headers: { authorization } }: IncomingMessage,
  { tokens, accessTokens }: RequestHandlerOptions,
): Promise<string | HttpRefusal> {
  if (accessTokens === undefined) return authenticate(authorization, tokens) ?? unauthorized(authorization);
  const known = tokens.length === 0 ? undefined : authenticate(authorization, tokens);
  return known ?? (await accessTokens.check(authorization));
}

function pathOf({ url }: IncomingMessage): string | undefined {
  return url?.split('?')[0];
}

type WatchedOptions = Pick<
  RequestHandlerOptions,
  'tokens' | 'accessTokens' | 'hostPolicy' | 'watching' | 'taskPage' | 'isClosing'
>;

/** Answers whoever watches the process or its tasks; false, and nothing is done, where a request is for something else. */
export async function answerWatcher(
  request: IncomingMessage,
  response: ServerResponse,
  options: WatchedOptions,
): Promise<boolean> {
  const path = pathOf(request);
  const { watching, taskPage } = options;
  if (watching !== undefined) countRequest(path, response, watching);
  if (path === HEALTH_PATH) answerHealth(request, response, options.isClosing());
  else if (path === READY_PATH && watching !== undefined) await answerReady(request, response, watching);
  else if (path === METRICS_PATH && watching !== undefined) {
    const refusal = metricsRefusal(request, options);
    if (refusal === undefined) await answerMetrics(request, response, watching);
    else refuseRequest(response, refusal);
  } else if (taskPage !== undefined && isTasksPath(path)) await taskPage(request, response);
  else return false;
  return true;
}

/** A scraper calls by address, too: where it must send a token, that proves more than the Host header would. */
function metricsRefusal(
  request: IncomingMessage,
  { tokens, accessTokens, hostPolicy }: WatchedOptions,
): HttpRefusal | undefined {
  // They tell of all callers, and whoever can sign in is one caller.
  if (tokens.length === 0 && accessTokens !== undefined)
    return { status: 403, code: -32000, message: NO_METRICS };
  if (tokens.length === 0) return guardRefusal(request, hostPolicy);
  const { authorization } = request.headers;
  return authenticate(authorization, tokens) === undefined ? unauthorized(authorization) : undefined;
}

function guardRefusal({ headers }: IncomingMessage, policy: HostPolicy): HttpRefusal | undefined {
  if (!isAllowedHost(headers.host, policy)) return forbidden('Host', headers.host, '--allowed-host');
  if (!isAllowedOrigin(headers.origin, headers.host, policy))
    return forbidden('Origin', headers.origin, '--allowed-origin');
  return undefined;
}

function forbidden(header: string, value: string | undefined, flag: string): HttpRefusal {
  const message = `${header} ${JSON.stringify(value ?? '')} is not allowed: if you trust it, start the server with ${flag}`;
  return { status: 403, code: -32000, message };
}

function closing(): HttpRefusal {
  const headers = { connection: 'close', 'retry-after': '5' };
  return { status: 503, code: -32000, message: 'The server is closing', headers };
}

/** What a page needs to be told so that its browser shows it our answers (Fetch standard, "CORS protocol"). */
function crossOriginHeaders(origin: string): Headers {
  return new Headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate',
    vary: 'Origin',
  });
}
