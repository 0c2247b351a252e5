import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import type { Attributes } from '@opentelemetry/api';
import { AwaitDetachedError, AwaitError } from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { Outcome } from '../../types.js';
import { ReconnectingTransport } from '../connection/reconnecting-transport.js';
import type { AwaitEvent } from '../events.js';
import { messageOf } from '../faults/failure.js';
import { identityOf } from '../journal/identify.js';
import { StdioTransport } from '../stdio/stdio-transport.js';
import type { CallEnd } from './call-watch.js';

/** What the semantic conventions want to know of the connection, as far as it is known without asking. */
export function connectionAttributes(client: Client): Attributes {
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

export interface SpanEvent {
  readonly name: AwaitEvent['type'];
  readonly attributes: Attributes;
}

/** What a span tells of an event; undefined when it tells nothing. Never arguments, results or references. */
export function spanEventOf(event: AwaitEvent): SpanEvent | undefined {
  const attributes = attributesOf(event);
  return attributes && { name: event.type, attributes };
}

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

export interface EndOfSpan {
  readonly attributes: Attributes;
  /** What is said of a call that failed. */
  readonly failure?: string;
}

/** A backend groups by this; a server may send anything. */
const MAX_ERROR_TYPE_LENGTH = 64;

/** The end of a span whose task goes on without a waiting caller, as requested. */
export const leftAlone: EndOfSpan = { attributes: { 'mcp_await.status': 'detached' } };

/** What a span says at its end. */
export function endOfSpan(end: CallEnd): EndOfSpan {
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
