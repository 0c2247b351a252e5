import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import type { Attributes, Span } from '@opentelemetry/api';
import { AwaitDetachedError, AwaitError } from '../../errors.js';
import type { OpenTelemetry } from '../../open-telemetry.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { Outcome } from '../../types.js';
import { VERSION } from '../../version.js';
import { ReconnectingTransport } from '../connection/reconnecting-transport.js';
import type { AwaitEvent, CallEnd, CallWatch } from '../events.js';
import { messageOf } from '../faults/failure.js';
import { identityOf } from '../journal/identify.js';
import { StdioTransport } from '../stdio/stdio-transport.js';

/** A server may send progress a thousand times a second. */
const MAX_EVENTS = 100;

interface TracedCall {
  readonly tool: string;
  /** What the caller sends in `_meta`. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  readonly client: Client;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
}

/**
 * One span from the start of a call to its end, below whatever span is active now (OpenTelemetry semantic conventions
 * for MCP, "Client").
 */
export function traceCall(api: OpenTelemetry, { tool, meta = {}, client, closed }: TracedCall): CallWatch {
  const parent = api.context.active();
  const span = api.trace.getTracer('mcp-await', VERSION).startSpan(
    `tools/call ${tool}`,
    {
      kind: api.SpanKind.CLIENT,
      attributes: {
        ...connectionAttributes(client),
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': tool,
      },
    },
    parent,
  );
  const carrier: Record<string, unknown> = {};
  api.propagation.inject(api.trace.setSpan(parent, span), carrier);
  // Values that the caller has set in `_meta` apply to all requests of the call.
  const own = Object.keys(carrier).filter(key => meta[key] !== undefined);
  for (const key of own) carrier[key] = meta[key];
  return { ...spanWatch(api, span, closed), meta: carrier };
}

function spanWatch(api: OpenTelemetry, span: Span, closed: AbortSignal): CallWatch {
  let eventCount = 0;
  let over = false;
  const end = ({ attributes, failure }: EndOfSpan) => {
    over = true;
    closed.removeEventListener('abort', onClosed);
    span.setAttributes(attributes);
    if (eventCount > MAX_EVENTS) span.setAttribute('mcp_await.dropped_events', eventCount - MAX_EVENTS);
    if (failure !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
    span.end();
  };
  // A call with a waiting caller ends its span itself in this turn; a task without one goes on.
  const onClosed = () => queueMicrotask(() => !over && end(leftAlone));
  closed.addEventListener('abort', onClosed, { once: true });
  return {
    hear(event) {
      if (over) return;
      if (event.type === 'task-started') span.setAttribute('mcp_await.protocol', event.reference.protocol);
      const attributes = attributesOf(event);
      if (attributes === undefined) return;
      eventCount++;
      if (eventCount <= MAX_EVENTS) span.addEvent(event.type, attributes);
    },
    ended: how => end(endOfSpan(how)),
  };
}

/** What the semantic conventions want to know of the connection, as far as it is known without asking. */
function connectionAttributes(client: Client): Attributes {
  const { transport } = client;
  const current = transport instanceof ReconnectingTransport ? transport.current : transport;
  const version = versionOf(transport) ?? versionOf(current);
  return {
    ...(current?.sessionId !== undefined && { 'mcp.session.id': current.sessionId }),
    ...(version !== undefined && { 'mcp.protocol.version': version }),
    ...(isPipe(current) && { 'network.transport': 'pipe' }),
    ...addressOf(client),
  };
}

function isPipe(transport: Transport | undefined): boolean {
  return transport instanceof StdioTransport || transport instanceof StdioClientTransport;
}

function versionOf(transport: Transport | undefined): string | undefined {
  const { protocolVersion } = (transport ?? {}) as { readonly protocolVersion?: unknown };
  return typeof protocolVersion === 'string' ? protocolVersion : undefined;
}

function addressOf(client: Client): Attributes {
  const { server } = identityOf(client, undefined);
  if (server.kind !== 'http') return {};
  const { hostname, port, protocol } = new URL(server.url);
  return {
    'network.transport': 'tcp',
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}

/** What a span tells of an event; undefined when it tells nothing. Never arguments, results or references. */
function attributesOf(event: AwaitEvent): Attributes | undefined {
  switch (event.type) {
    case 'task-started':
    case 'task-orphaned':
      return {};
    case 'status-requested':
      return { 'mcp_await.attempt': event.attempt, 'mcp_await.hold_ms': event.holdMs };
    case 'task-updated': {
      const { status, attempt, progress } = event.snapshot;
      return {
        'mcp_await.status': status,
        'mcp_await.attempt': attempt,
        ...(progress && { 'mcp_await.progress': progress.progress }),
        ...(progress?.total !== undefined && { 'mcp_await.total': progress.total }),
      };
    }
    case 'request-failed':
      return {
        'error.message': messageOf(event.error),
        'mcp_await.retries_left': event.retriesLeft,
      };
    case 'status-unknown':
      return { 'mcp_await.status': event.word };
    default:
      return undefined;
  }
}

interface EndOfSpan {
  readonly attributes: Attributes;
  /** What is said of a call that failed. */
  readonly failure?: string;
}

/** A backend groups by this; a server may send anything. */
const MAX_ERROR_TYPE_LENGTH = 64;

/** The end of a span whose task goes on without a waiting caller, as requested. */
const leftAlone: EndOfSpan = { attributes: { 'mcp_await.status': 'detached' } };

/** What a span says at its end. */
function endOfSpan(end: CallEnd): EndOfSpan {
  if ('error' in end) return endOfError(end.error);
  const { attributes, ...rest } = endOfOutcome(end.outcome);
  return { ...rest, attributes: { ...attributes, ...(end.stored && { 'mcp_await.stored': true }) } };
}

function endOfOutcome(outcome: Outcome): EndOfSpan {
  const status = { 'mcp_await.status': outcome.status };
  if (outcome.status === 'completed') return { attributes: status };
  const { code, message } = outcome.error;
  return { attributes: { ...status, 'error.type': typeOf(code) }, failure: excerpt(message) };
}

function endOfError(error: unknown): EndOfSpan {
  if (error instanceof AwaitDetachedError) return leftAlone;
  const failure = messageOf(error);
  if (error instanceof AwaitError) return { attributes: { 'error.type': error.code }, failure };
  if (!(error instanceof McpError)) return { attributes: { 'error.type': '_OTHER' }, failure };
  const code = String(error.code);
  return { attributes: { 'error.type': code, 'rpc.response.status_code': code }, failure };
}

/** `tool_error` is what the semantic conventions call a result with `isError` and no code of its own. */
function typeOf(code: string): string {
  return code === 'TOOL_ERROR' ? 'tool_error' : code.slice(0, MAX_ERROR_TYPE_LENGTH);
}
