import { McpError } from '@modelcontextprotocol/sdk/types.js';
import type { Attributes } from '@opentelemetry/api';
import { AwaitDetachedError, AwaitError } from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { Outcome } from '../../types.js';
import type { CallEnd } from '../call-watch.js';
import { messageOf } from '../failure.js';

export interface EndOfSpan {
  readonly attributes: Attributes;
  /** What is said of a call that failed. */
  readonly failure?: string;
}

/** A backend groups by this; a server may send anything. */
const LONGEST_ERROR_TYPE = 64;

/** Of a call whose task goes on with nobody waiting for it, as was wanted. */
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
  return code === 'TOOL_ERROR' ? 'tool_error' : code.slice(0, LONGEST_ERROR_TYPE);
}
