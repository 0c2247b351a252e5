import type { Place } from './profile.js';

type Places = Place[];

const WITHIN = ['', 'data.', 'task.', 'job.', 'run.', 'execution.', 'operation.', 'result.'];
const STATUS = [
  'status',
  'state',
  'task_status',
  'taskStatus',
  'job_status',
  'jobStatus',
  'readyState',
  'phase',
];
const DONE = [
  'is_complete',
  'isComplete',
  'is_done',
  'isDone',
  'is_finished',
  'isFinished',
  'done',
  'finished',
];

/** Where states usually are, words before signs, and what is at the top before what is within. */
export const usualStatusPlaces: Places = [
  ...WITHIN.flatMap(within => STATUS.map(key => within + key)),
  ...['', 'data.'].flatMap(within => DONE.map(key => within + key)),
  { label: 'Status' },
  { label: 'State' },
];

/** Where the reason of a failure usually is. */
export const usualErrorPlaces: Places = [
  'error',
  'data.error',
  'task.error',
  'job.error',
  'error_message',
  'errorMessage',
];

export const usualExitCodePlaces: Places = ['exit_code', 'exitCode', 'data.exit_code', 'data.exitCode'];

export const usualHints = {
  pollAfterSecondsAt: [
    'retry_after',
    'retryAfter',
    'retry_after_seconds',
    'poll_interval_seconds',
    'recommended_interval_seconds',
  ],
  pollAfterMsAt: [
    'poll_after_ms',
    'pollAfterMs',
    'pollInterval',
    'poll_interval_ms',
    'retryAfterMs',
    'retry_after_ms',
  ],
};

/** Where the handle for an argument usually is: under the argument's own name, as any id of work, as a labelled one. */
export function usualHandlePlaces(argument: string): Places {
  const name = argument.split('.').at(-1) ?? argument;
  const words = wordsOf(name);
  const own = [name, words.join('_'), camel(words)];
  const names = [
    ...new Set([...own, ...(words.at(-1) === 'id' ? [words.slice(0, -1).join('_')] : []), 'id']),
  ].filter(key => key !== '');
  const label = words.join(' ');
  return [
    ...WITHIN.slice(0, 7).flatMap(within => names.map(key => within + key)),
    { label },
    { label: words.join('_') },
  ];
}

/** Of a name that somebody else gave. */
const MOST_NAME = 300;

/** The words of an identifier: `taskId`, `task_id` and `task-id` are the same two. */
export function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, MOST_NAME)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])(?=[A-Z][a-z])/g, '$1 ')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter(word => word !== '');
}

function camel(words: readonly string[]): string {
  return words
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');
}
