import type { Progress } from '../types.js';
import type { ClaimedTask } from './engine.js';
import type { QuestionStore } from './run-questions.js';
import type { StorableEnd } from './storable-end.js';
import type { TaskRecord } from './task-record.js';

/**
 * What the one worker of all engines (`TaskWorker`) needs of a store. `Run` names one run of a task: whatever is told of
 * it counts only while the store still holds that run.
 *
 * Obligations of every store:
 * - What is told of a run takes effect in the order in which it was told.
 * - A run that no longer counts changes nothing: `end` throws `RunOverError` or does nothing, all others do nothing.
 * - Any call may fail, and is made again where that may help; `claim` and `end` must do no harm when they are.
 */
export interface WorkerStore<Run> {
  /** Milliseconds between two calls of `extend`. */
  readonly extendIntervalMs: number;
  /** Should the word of an answer get lost, its question is read again after so many milliseconds. */
  readonly answerRecheckMs: number;

  /** Where tasks of these operations come from; each source is claimed from independently. */
  open(operations: readonly string[]): readonly TaskSource<Run>[];

  /** Called once no more tasks will be claimed: others may take what this process would have taken. */
  leave(): Promise<void>;

  /** Whether something that this engine has submitted still waits to be claimed, apart from what is due much later. */
  owes(): Promise<boolean>;

  /** Keeps the runs this worker's for another lease: those that are not any more. */
  extend(runs: readonly Run[]): Promise<readonly Run[]>;

  /** Stores how far a run is. */
  progress(run: Run, progress: Progress): Promise<void>;

  /** The stored questions of a run. */
  questions(run: Run): QuestionStore;

  /**
   * Stores the end of a task, unless the run no longer counts. The answer is the next run, where the store takes one with
   * the same call.
   * @throws RunOverError when it does not, where the store can tell
   */
  end(run: Run, ending: RunEnding): Promise<Claimed<Run> | undefined>;

  /**
   * Ends a run for good: the task goes back to the queue if it may be run again, and fails with `WORKER_STOPPED` if not;
   * the record in that case.
   */
  handBack(run: Run): Promise<TaskRecord | undefined>;
}

/** A queue that tasks are claimed from. */
export interface TaskSource<Run> {
  /** How many tasks one claim takes at most. */
  readonly batchSize: number;

  /** Takes the tasks whose turn it is; none where none may be taken now. */
  claim(wanted: Wanted): Promise<readonly Claimed<Run>[]>;

  /** Waits until the source may have another task, or the signal aborts. Keeps no process alive. */
  untilWork(signal: AbortSignal): Promise<void>;
}

/** What a worker may take. */
export interface Wanted {
  readonly limit: number;
  /** Only what was submitted through the worker's own engine, where the store can tell. */
  readonly ownOnly: boolean;
  /** The owners that get no further place, when these tasks have been claimed as well. */
  fullOwners(claimed: readonly { readonly owner: string }[]): readonly string[];
  /** Whether a claimed task that need not be run may be replaced by the next one. */
  mayTakeNext(): boolean;
}

export interface Claimed<Run> extends ClaimedTask {
  readonly run: Run;
}

/** What a run has come to. */
export interface RunEnding {
  readonly end: StorableEnd;
  /** The latest progress, where it was not stored. */
  readonly progress: Progress | undefined;
  /** Whether the store may take the next run with the same call. */
  mayTakeNext(): boolean;
}
