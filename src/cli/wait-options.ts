import type { WaitOptions } from '../client/options.js';
import type { WaitFlags } from './flags.js';

/** The flags as options of the library. */
export function waitOptionsOf({
  timeout,
  maxAttempts,
  initialInterval,
  maxInterval,
}: WaitFlags): WaitOptions {
  return { deadlineMs: timeout, maxAttempts, initialIntervalMs: initialInterval, maxIntervalMs: maxInterval };
}
