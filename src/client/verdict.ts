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

/** Errors about the caller or the reference, which say nothing about the tool. */
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

/** What the end of a call says about its tool. A slow success counts as a failure, because its caller has given up by then. */
export function circuitVerdictOf(end: CallEnd, durationMs: number, slowCallMs: number): CircuitVerdict {
  const verdict = 'error' in end ? verdictOfError(end.error) : verdictOfOutcome(end);
  return verdict === 'success' && durationMs > slowCallMs ? 'failure' : verdict;
}

function verdictOfOutcome({ outcome, stored }: Extract<CallEnd, { outcome: unknown }>): CircuitVerdict {
  if (stored === true || outcome.status === 'cancelled') return 'nothing';
  // A tool has worked if it says that the same call would fail again.
  return outcome.status === 'failed' && outcome.error.retryable !== false ? 'failure' : 'success';
}

function verdictOfError(error: unknown): CircuitVerdict {
  if (TELL_NOTHING.some(Class => error instanceof Class)) return 'nothing';
  // The server refuses the call because of its contents.
  return error instanceof McpError && !isTransient(error) ? 'nothing' : 'failure';
}
