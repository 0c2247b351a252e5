import type { TaskError } from '../types.js';

/** Why the engine itself ends a task. */
export const CANCELLED = {
  code: 'CANCELLED',
  message: 'The task was cancelled.',
  retryable: false,
} satisfies TaskError;

export const WORKER_LOST = {
  code: 'WORKER_LOST',
  message:
    'The process that ran the task died. The task is not run again by itself: start a new one if it may be repeated.',
  retryable: true,
} satisfies TaskError;

export const WORKER_STOPPED = {
  code: 'WORKER_STOPPED',
  message: 'The server was stopped before the task was done. Start it again.',
  retryable: true,
} satisfies TaskError;
