import { randomBytes } from 'node:crypto';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { isInitializeRequest, isJSONRPCRequest, type RequestId } from '@modelcontextprotocol/sdk/types.js';
import { startTimer } from '../../time/sleep.js';
import type { EventLog } from './event-log.js';
import { PING_MS } from './event-stream.js';
import type { McpExchange } from './mcp-exchange.js';
import { type HttpRefusal, refuseRequest } from './responses.js';
import type { RevisionEndpoint } from './revision-endpoint.js';
import type { Session, SessionRegistry } from './session-registry.js';
import { UnreadMessages } from './unread-messages.js';

const SESSION_HEADER = 'mcp-session-id';

/** The first version whose clients get an event to resume from before anything was sent. */
const RESUMABLE_SINCE = '2025-11-25';
const RESUME_WITHIN_MS = 60_000;
/** When a client is to come back whose stream broke. */
const RETRY_MS = 1000;

const NO_SESSION: HttpRefusal = {
  status: 400,
  code: -32000,
  message: 'Expected an Mcp-Session-Id header, or an initialize request that opens a session',
};
const UNKNOWN_SESSION: HttpRefusal = {
  status: 404,
  code: -32001,
  message: 'Session not found: it has expired or was closed; send an initialize request',
};
const repeatedId = (id: RequestId): HttpRefusal => ({
  status: 400,
  code: -32600,
  message: `The request with the id ${JSON.stringify(id)} is not answered yet: every request of a session needs an id of its own`,
});
const TOO_MANY_SESSIONS: HttpRefusal = {
  status: 429,
  code: -32000,
  message: 'You have too many open sessions: close one with DELETE, or try again later',
  headers: { 'retry-after': '60' },
};

export interface McpEndpointOptions {
  readonly sessions: SessionRegistry;
  readonly events: EventLog;
  createMcpServer(principal: string): Server;
  /** Answers what belongs to no session; undefined where everything does. */
  readonly revisionEndpoint?: Pick<RevisionEndpoint, 'handle'> | undefined;
  /** Told what a client did wrong. */
  onMistake(error: unknown): void;
}

/** Answers a request of revision 2026-07-28, or hands it to its session (spec 2025-11-25, basic/transports, "Session Management"). */
export async function handleMcp(exchange: McpExchange, options: McpEndpointOptions): Promise<void> {
  if ((await options.revisionEndpoint?.handle(exchange)) === true) return;
  const { request, response, principal, body } = exchange;
  const id = request.headers[SESSION_HEADER];
  if (id === undefined) {
    if (![body].flat().some(isInitializeRequest)) return refuseRequest(response, NO_SESSION);
    if (!options.sessions.makeRoom(principal)) return refuseRequest(response, TOO_MANY_SESSIONS);
    return openSession(exchange, options);
  }
  const session = typeof id === 'string' ? options.sessions.find(id, principal) : undefined;
  if (session === undefined) return refuseRequest(response, UNKNOWN_SESSION);
  // Its transport would send both answers to the later request, and the earlier one would have none.
  const repeated = session.unread.repeated(body);
  if (repeated !== undefined) return refuseRequest(response, repeatedId(repeated));
  const leave = options.sessions.enter(session);
  session.unread.follow(exchange);
  if (request.headers['last-event-id'] !== undefined) session.resumedAt = performance.now();
  response.once('close', () => {
    leave();
    if (!response.writableFinished) onHangUp(session, exchange);
  });
  await session.transport.handleRequest(request, response, body);
}

async function openSession(exchange: McpExchange, options: McpEndpointOptions): Promise<void> {
  const { request, response, principal, body } = exchange;
  const { sessions, events, createMcpServer, onMistake } = options;
  const id = randomBytes(32).toString('base64url');
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => id,
    eventStore: events.ofSession(id, principal),
    retryInterval: RETRY_MS,
    keepAliveMs: PING_MS,
  });
  const unread = new UnreadMessages(transport);
  unread.follow(exchange);
  transport.onerror = onMistake;
  transport.onclose = () => {
    sessions.remove(id);
    events.forget(id);
  };
  // At once, so that many clients that come at the same time cannot all pass the limit.
  response.once('close', sessions.enter(sessions.add(id, principal, transport, unread)));
  try {
    // Its accessors may give undefined, which `exactOptionalPropertyTypes` keeps out of the interface it implements.
    await createMcpServer(principal).connect(transport as Transport);
    await transport.handleRequest(request, response, body);
  } finally {
    const refused = transport.sessionId === undefined;
    if (refused) await transport.close();
  }
}

/** A client that can resume its stream may do so for a while. Others cannot fetch their answers any more. */
function onHangUp(session: Session, { request, body }: McpExchange): void {
  const goneAt = performance.now();
  const version = request.headers['mcp-protocol-version'];
  const isResumable = typeof version === 'string' && version >= RESUMABLE_SINCE;
  const giveUp = () => {
    if (!session.isClosed && session.resumedAt < goneAt) abandon(session, body);
  };
  if (isResumable) startTimer(RESUME_WITHIN_MS, giveUp, { unref: true });
  else abandon(session, body);
}

/** Ends the handlers of requests whose answers nobody fetches: a long poll would go on for nobody. */
function abandon({ transport }: Session, body: unknown): void {
  for (const { id } of [body].flat().filter(isJSONRPCRequest)) {
    const params = { requestId: id, reason: 'The client hung up' };
    transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    // An answer to nobody makes the transport forget the request.
    const error = { code: -32000, message: params.reason };
    transport.send({ jsonrpc: '2.0', id, error }).catch(() => undefined);
  }
}
