import type { Progress } from '../../types.js';
import type { RunQuestions } from '../run-questions.js';
import type { StorableEnd } from '../storable-end.js';
import type { TaskRecord } from '../task-record.js';
import type { TaskWaits } from '../task-waits.js';
import type { GroupCommit } from './group-commit.js';
import type { Run } from './task-statements.js';
import type { TaskTable } from './task-table.js';

/** What a worker is given by its engine. */
export interface SqliteWorkerContext {
  readonly table: TaskTable;
  readonly commits: GroupCommit;
  /** The worker's name in the store: the instance of its engine. */
  readonly instance: string;
  readonly maxResultBytes: number;
  /** Called before tasks are claimed: makes sure that others see this worker as living. */
  readonly renewLapsedLease: () => void;
  /** Called when the worker takes no more tasks; others may take what this engine submitted. */
  readonly onStop: () => void;
  /** Called after this worker has started or ended a task, or a run of it has begun or ended to wait for an answer. */
  readonly onChange: (taskRef: string) => void;
  /** Called after this worker has written how far a task is. */
  readonly onProgress: (taskRef: string) => void;
  /** Whose bells ring for what is asked and answered. */
  readonly answerWaits: TaskWaits;
  /** Called after this worker has failed a task because it stops. */
  readonly onLost: (record: TaskRecord) => void;
}

/** What a run has come to. */
export interface TaskEnd {
  readonly run: Run;
  readonly end: StorableEnd;
  readonly progress: Progress | undefined;
  readonly signal: AbortSignal;
}

/** What goes with a run. */
export interface RunContext {
  readonly run: Run;
  readonly signal: AbortSignal;
  readonly questions: RunQuestions;
}
