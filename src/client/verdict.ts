import { McpError } from '@modelcontextprotocol/sdk/types.js';
import {
  AuthorizationError,
  AwaitAbortedError,
  AwaitDetachedError,
  CircuitOpenError,
  ConfigurationError,
  InputRequiredError,
  NotSupportedError,
  TaskNotFoundError,
} from '../errors.js';
import type { CircuitVerdict } from '../pacing/circuit.js';
import type { CallEnd } from './call-watch.js';
import { isTransient } from './failure.js';

/** These are about the caller or about the reference, not about how the tool fares. */
const TELL_NOTHING = [
  AuthorizationError,
  AwaitAbortedError,
  AwaitDetachedError,
  CircuitOpenError,
  ConfigurationError,
  InputRequiredError,
  NotSupportedError,
  TaskNotFoundError,
];

/** What the end of a call tells of its tool. A slow success is a failure: whoever waits for it has gone. */
export function circuitVerdictOf(end: CallEnd, durationMs: number, slowCallMs: number): CircuitVerdict {
  const verdict = 'error' in end ? verdictOfError(end.error) : verdictOfOutcome(end);
  return verdict === 'success' && durationMs > slowCallMs ? 'failure' : verdict;
}

function verdictOfOutcome({ outcome, stored }: Extract<CallEnd, { outcome: unknown }>): CircuitVerdict {
  if (stored === true || outcome.status === 'cancelled') return 'nothing';
  // A tool that says that the same call would fail again has worked.
  return outcome.status === 'failed' && outcome.error.retryable !== false ? 'failure' : 'success';
}

function verdictOfError(error: unknown): CircuitVerdict {
  if (TELL_NOTHING.some(Class => error instanceof Class)) return 'nothing';
  // A call that the server refuses for what is in it.
  return error instanceof McpError && !isTransient(error) ? 'nothing' : 'failure';
}
