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

/** The owner has as many tasks that have not ended as it may have; nothing was stored. */
export class TooManyTasksError extends Error {
  override readonly name = 'TooManyTasksError';
  readonly maxUnfinished: number;

  constructor(maxUnfinished: number) {
    super(`The owner has ${maxUnfinished} unfinished tasks, the most that are allowed.`);
    this.maxUnfinished = maxUnfinished;
  }
}
