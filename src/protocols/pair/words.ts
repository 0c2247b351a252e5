import type { TaskStatus } from '../../types.js';

const WORKING =
  'accepted active_job aborting awaiting_start busy building canceling cancelling created creating delayed deploying dispatched downloading encoding enqueued executing finalizing generating in_process in_progress in_queue indexing initialized initializing initiated inprogress inqueue launched loading new not_ready not_started ongoing pending pending_start planning polling preparing preprocessing postprocessing processing provisioning queued queueing received rendering rescheduled retrying running scheduled scraping started starting still_processing still_running stopping submitted submitting synthesizing throttled timing_out training transcribing uploading validating waiting waiting_to_run working';
const COMPLETED =
  'complete completed completed_successfully completed_with_warnings done finished job_state_succeeded succeed succeeded success successful successfully_completed';
const FAILED =
  'aborted_with_error bad_request completed_with_errors crashed dead errored error errors exception expired fail failed failing failure fatal invalid job_state_failed moderated moderation_failed out_of_memory partial_failure partially_completed partially_failed refused rejected system_failure time_out timed_out timedout timeout unsuccessful';
const CANCELLED =
  'abort aborted cancel canceled cancelled interrupted job_state_cancelled killed revoked stopped terminated user_cancelled';
const ASKING =
  'action_required awaiting_input input_required needs_input requires_action requires_input waiting_for_input';

const WORDS: ReadonlyMap<string, TaskStatus> = new Map([
  ...each(WORKING, 'working'),
  ...each(COMPLETED, 'completed'),
  ...each(FAILED, 'failed'),
  ...each(CANCELLED, 'cancelled'),
  ...each(ASKING, 'input_required'),
]);

/** Words that mean one thing under one key and another under another: only there they mean anything. */
const BY_KEY: Readonly<Record<string, Readonly<Record<string, TaskStatus>>>> = {
  ready: { readystate: 'completed', ready_state: 'completed' },
};

/** A word as the table has it: `IN-PROGRESS`, `inProgress` and `in progress` are one. */
export function fold(word: string): string {
  return word
    .trim()
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');
}

/**
 * What a status word means; undefined for one that is not known, which must never end a wait.
 * @param key the key that it stands under
 */
export function meaningOf(
  word: string,
  { key, own }: { readonly key?: string | undefined; readonly own: Readonly<Record<string, TaskStatus>> },
): TaskStatus | undefined {
  // Longer than any word of a state.
  const folded = fold(word.slice(0, 100));
  for (const [given, status] of Object.entries(own)) if (fold(given) === folded) return status;
  if (Object.hasOwn(BY_KEY, folded)) return BY_KEY[folded]?.[fold(key ?? '')];
  // `CREATE_TASK_FAILED`, `SENSITIVE_WORD_ERROR`; nothing of the kind for success, where `FIRST_SUCCESS` is a step.
  return WORDS.get(folded) ?? (/_(failed|failure|error|exception)$/.test(folded) ? 'failed' : undefined);
}

function each(words: string, status: TaskStatus): [string, TaskStatus][] {
  return words.split(' ').map(word => [word, status]);
}
