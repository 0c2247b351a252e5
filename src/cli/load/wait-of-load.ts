import { defaultWaitOptions, resolveWaitOptions, type WaitOptions } from '../../client/options.js';
import type { Pacing } from '../../pacing/next-delay.js';
import type { Settings } from '../../server/config/config-schema.js';
import { waitOptionsOf } from '../wait-options.js';
import type { LoadFlags } from './load-flags.js';
import { expectedMs } from './schedule.js';
import type { Work } from './work.js';

export interface WaitOfLoad {
  readonly flags: LoadFlags;
  readonly polling: Settings['polling'];
  readonly work: Work;
  /** Most tasks that run at the same time. */
  readonly parallelTasks: number;
  readonly leaseMs: number;
}

const TOOL_TIMEOUT_MS = 600_000;
const SPARE_MS = 60_000;
/** More than enough for a server of ours to start again on a busy machine. */
const RESTART_REQUEST_RETRIES = 10;

/** How the tasks of a load test are waited for, and the pace at which their state is then asked for. */
export function waitOfLoad({ flags, polling, work, parallelTasks, leaseMs }: WaitOfLoad): {
  wait: WaitOptions;
  pacing: Pacing;
} {
  const { tasks: taskCount, timeout, restart } = flags;
  const usualMs =
    work.latency === undefined
      ? TOOL_TIMEOUT_MS
      : 2 * expectedMs({ taskCount, mostMs: work.latency.mostMs, parallelTasks }) + leaseMs + SPARE_MS;
  const wait: WaitOptions = {
    ...waitOptionsOf({ polling }),
    deadlineMs: timeout ?? usualMs,
    // The time bounds the wait.
    maxAttempts: Number.POSITIVE_INFINITY,
    // What is measured is the start itself, and our own pace unless the server's waiting is asked for.
    inlineWaitMs: 0,
    longPollMs: flags.longPoll === true ? undefined : 0,
    requestRetries: restart === undefined ? undefined : RESTART_REQUEST_RETRIES,
  };
  return { wait, pacing: resolveWaitOptions(wait, defaultWaitOptions) };
}
