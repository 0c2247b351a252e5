import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AwaitError, StatusCheckError } from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { ToolPlan } from '../../protocols/protocol.js';
import { refusalOf } from '../../protocols/refusal.js';
import { TimeLimitError } from '../../time/at-most.js';
import { LostContactError, NotConnectedError } from '../connection/contact.js';
import { UnreadableAnswerError } from '../connection/unreadable-answer.js';
import { PostponedError } from '../http/refusal.js';

/**
 * What a failed request tells:
 * - `unsent`: it did not reach the server, or was turned away before it was looked at;
 * - `lost`: it may have reached the server, its answer did not reach us;
 * - `closed`: the connection itself is gone;
 * - `timeout`: no answer in time;
 * - `answered`: the server answered with an error;
 * - `unreadable`: the server answered something that is no valid result;
 * - `ours`: an error that this library has already explained.
 */
export type Failure = 'unsent' | 'lost' | 'closed' | 'timeout' | 'answered' | 'unreadable' | 'ours';

const UNSENT_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** JSON-RPC codes that stay true however often the request is repeated. */
const PERMANENT_CODES = new Set<number>([
  ErrorCode.InvalidRequest,
  ErrorCode.MethodNotFound,
  ErrorCode.InvalidParams,
]);

export function classifyFailure(error: unknown): Failure {
  if (error instanceof AwaitError) return 'ours';
  if (error instanceof NotConnectedError) return 'unsent';
  if (error instanceof LostContactError) return 'lost';
  if (isUnreadable(error)) return 'unreadable';
  if (error instanceof TimeLimitError) return 'timeout';
  if (error instanceof McpError) return classifyMcpError(error);
  if (error instanceof StreamableHTTPError) return classifyStatus(error.code);
  if (error instanceof Error && error.message === 'Not connected') return 'closed';
  return UNSENT_CODES.has(String(systemCode(error))) ? 'unsent' : 'lost';
}

/** Whether a request that is safe to repeat may succeed when it is sent again on the same connection. */
export function isTransient(error: unknown): boolean {
  switch (classifyFailure(error)) {
    case 'unsent':
    case 'lost':
    case 'timeout':
      return true;
    case 'answered':
      return error instanceof McpError && !PERMANENT_CODES.has(error.code);
    case 'ours':
      return error instanceof StatusCheckError && error.retryable;
    case 'closed':
    case 'unreadable':
      return false;
  }
}

/** What a plan says of a start, as far as sending it again depends on it. */
type Start = Pick<ToolPlan, 'startKind' | 'idempotent'>;

/** Whether a failed start may be sent again: it never reached the server, or a second start does no harm. */
export function mayStartAgain(error: unknown, { startKind, idempotent }: Start): boolean {
  const failure = classifyFailure(error);
  if (failure === 'unsent') return true;
  // A blocking call is repeated only if its connection was lost, not after a time-out or an error from the server.
  return idempotent && (startKind === 'blocking' ? failure === 'lost' : isTransient(error));
}

/** The operating system's code (`ECONNREFUSED` …) of an error or of what caused it. */
export function systemCode(error: unknown): string | undefined {
  for (let link = error; link instanceof Error; link = link.cause) {
    if ('code' in link && typeof link.code === 'string') return link.code;
    if (link instanceof AggregateError && link.errors.length > 0) return systemCode(link.errors[0]);
  }
  return undefined;
}

/** Milliseconds that the server asked to wait before it is asked again. */
export function retryAfterMsOf(error: unknown): number | undefined {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof PostponedError || link instanceof StatusCheckError) return link.retryAfterMs;
  }
  return undefined;
}

/** The HTTP status by which a server says that it wants authorization. */
export function refusedStatus(error: unknown): 401 | 403 | undefined {
  if (!(error instanceof StreamableHTTPError)) return undefined;
  return error.code === 401 || error.code === 403 ? error.code : undefined;
}

/** Whether the server refuses requests for a while, whatever they are about. */
export function isTurnedAway(error: unknown): boolean {
  return retryAfterMsOf(error) !== undefined || (error instanceof StreamableHTTPError && error.code === 429);
}

/** The message of an error, shortened; the message of its cause where its own is empty. */
export function messageOf(error: unknown): string {
  if (error instanceof z.core.$ZodError) return excerpt(z.prettifyError(error));
  if (!(error instanceof Error)) return excerpt(String(error));
  if (error instanceof RangeError) return 'it is nested too deeply, or too large';
  if (error instanceof McpError && carriesOurs(error.data)) return messageOf(error.data);
  const isHollow = error.message === 'fetch failed' || error.message === 'terminated';
  const said = isHollow && error.cause instanceof Error ? error.cause : error;
  return excerpt(said.message);
}

/** Whether the SDK was given this error of ours instead of an answer. */
function carriesOurs(data: unknown): data is Error {
  return data instanceof Error && !(data instanceof AwaitError);
}

function isUnreadable(error: unknown): boolean {
  // Code that walks a value nested too deeply throws a RangeError.
  return [z.core.$ZodError, SyntaxError, UnreadableAnswerError, RangeError].some(
    Class => error instanceof Class,
  );
}

function classifyMcpError(error: McpError): Failure {
  if (carriesOurs(error.data)) return classifyFailure(error.data);
  if (refusalOf(error) !== undefined) return 'answered';
  return error.code === ErrorCode.RequestTimeout ? 'timeout' : 'closed';
}

/** The SDK gives -1 to an answer that is neither JSON nor an event stream. */
function classifyStatus(status: number | undefined): Failure {
  if (status === -1) return 'unreadable';
  if (status === 429) return 'unsent';
  return status === undefined || status === 408 || status >= 500 ? 'lost' : 'answered';
}
