import type { Place } from './profile.js';

type Places = Place[];

/** Where the reason of a failure usually is. */
export const usualErrorPlaces: Places =
  'error data.error task.error job.error error_message errorMessage'.split(' ');

export const usualExitCodePlaces: Places = ['exit_code', 'exitCode', 'data.exit_code', 'data.exitCode'];

export const usualHints = {
  pollAfterSecondsAt:
    'retry_after retryAfter retry_after_seconds poll_interval_seconds recommended_interval_seconds'.split(
      ' ',
    ),
  pollAfterMsAt: 'poll_after_ms pollAfterMs pollInterval poll_interval_ms retryAfterMs retry_after_ms'.split(
    ' ',
  ),
};

/** Of a name that somebody else gave. */
const MAX_NAME = 300;

/** The words of an identifier: `taskId`, `task_id` and `task-id` are the same two. `状态` is a status. */
export function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, MAX_NAME)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])(?=[A-Z][a-z])/g, '$1 ')
    .toLowerCase()
    .replace(/状态|状態|ステータス/g, ' status ')
    .split(/[^a-z\d]+/)
    .filter(word => word !== '');
}
