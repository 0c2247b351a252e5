import type { Progress, TaskError } from '../types.js';
import { DEFAULT_RETENTION_MS } from './engine-defaults.js';
import { answer, type Questions, type Responses, waitedMs } from './question.js';
import { INVALID_RECORD, isInvalid } from './record-shape.js';
import { type QuestionStore, questionStore, questionsOfRun, RunOverError } from './run-questions.js';
import { readQuestions, readStoredTask, type StoredTask, type StoredValue } from './stored-task.js';
import { CANCELLED, WORKER_LOST } from './task-errors.js';
import { ALL_STATUSES } from './task-list.js';
import {
  backInQueue,
  isEnded,
  type RecordStatus,
  type TaskRecord,
  type WebhookDelivery,
} from './task-record.js';

/** A run as the store names it. */
export interface RunName {
  readonly taskRef: string;
  readonly worker: string;
  /** Of a worker that may run a task more than once. */
  readonly runCount?: number | undefined;
}

export interface StoredRun extends RunName {
  readonly ttlMs: number;
  readonly inputTimeoutMs: number;
}

/** A change of a task, made only where the task stands so. */
export interface TaskChange {
  /** @default in any status */
  readonly from?: readonly RecordStatus[] | undefined;
  readonly worker?: string | undefined;
  readonly runCount?: number | undefined;
  /** Nothing has changed since it was read so. */
  readonly version?: number | undefined;
  /** What is null here is taken away. */
  readonly set: Readonly<Partial<Record<ChangedField, StoredValue>>>;
}

type ChangedField = Exclude<keyof StoredTask, 'taskRef' | 'parameters'>;

/** An end as it is stored: a text may be elsewhere, and here is how many parts it has. */
interface KeptEnd {
  readonly status: RecordStatus;
  readonly result: string | number | null;
  readonly error: string | number | null;
}

const UNFINISHED = ['pending', 'processing'] as const;
type Edit = (before: Questions) => Questions;

/** What can happen to the tasks of a store that changes one at a time, each only where it still stands as it was read. */
export abstract class ConditionalTasks<Stored extends StoredTask> {
  readonly #onLost: (record: TaskRecord) => void;

  /** @param onLost told of each task that was failed without its run having ended it */
  constructor(onLost: (record: TaskRecord) => void) {
    this.#onLost = onLost;
  }

  /** The task as it is after all changes that were answered, unless it has expired. */
  abstract read(taskRef: string): Promise<Stored | undefined>;
  /** Whether the task has not expired, stands so, and was changed. It does no harm to make a change twice. */
  protected abstract change(taskRef: string, change: TaskChange): Promise<boolean>;

  /** The record with its result. */
  protected recordOf(stored: Stored): TaskRecord | Promise<TaskRecord> {
    return readStoredTask(stored);
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    const stored = await this.read(taskRef);
    return stored && this.recordOf(stored);
  }

  /** Whether the run no longer counts. */
  async isOver(run: RunName): Promise<boolean> {
    return !isOfRun(await this.read(run.taskRef), run);
  }

  /** @throws RunOverError when the run no longer counts */
  async end(run: StoredRun, { status, result, error }: KeptEnd, progress?: Progress): Promise<void> {
    const last = progress === undefined ? {} : { progress: JSON.stringify(progress) };
    const set = { ...endedAfter(run.ttlMs), status, result, error, ...last };
    if (!(await this.#changeRun(run, set))) throw new RunOverError('The task has ended otherwise.');
  }

  async progress(run: StoredRun, progress: Progress): Promise<void> {
    await this.#changeRun(run, { progress: JSON.stringify(progress), updatedAt: Date.now() });
  }

  async recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    await this.change(taskRef, { from: ALL_STATUSES, set: { delivery: JSON.stringify(delivery) } });
  }

  /**
   * Lets a run go: the task waits for another where it may be run again, and fails with `error` where not. The task as it
   * is then; undefined where the run no longer counts.
   */
  async release(run: RunName, error: Required<TaskError>): Promise<Stored | undefined> {
    for (;;) {
      const before = await this.read(run.taskRef);
      if (before === undefined || !isOfRun(before, run)) return undefined;
      const record = readStoredTask(before);
      if (isInvalid(record)) return this.#failInvalid(run.taskRef);
      const [now, ttlMs] = [Date.now(), Number(before.ttlMs)];
      const again = backInQueue(record, readQuestions(before), { now, ttlMs });
      const after = await this.#changeSeen(
        before,
        again === undefined
          ? { ...endedAfter(ttlMs), status: 'failed', error: JSON.stringify(error) }
          : { ...again, startedAt: null, progress: null, worker: null },
      );
      if (after !== undefined) return after;
    }
  }

  /** Lets the run of a worker that is gone go, as `release` does. */
  async releaseLost(run: RunName): Promise<Stored | undefined> {
    const released = await this.release(run, WORKER_LOST);
    if (released !== undefined && isEnded(released)) this.#onLost(readStoredTask(released));
    return released;
  }

  /** Fails a task that cannot be read, or whose parameters cannot, unless it has ended. */
  async failInvalid(taskRef: string): Promise<void> {
    const failed = await this.#failInvalid(taskRef);
    if (failed !== undefined) this.#onLost(readStoredTask(failed));
  }

  /** The record as it is then; ended records stay as they are. */
  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    for (;;) {
      const before = await this.read(taskRef);
      const record = before && (await this.recordOf(before));
      if (before === undefined || record === undefined || isEnded(record)) return record;
      const error = JSON.stringify(CANCELLED);
      const set = { ...endedAfter(Number(before.ttlMs)), status: 'cancelled', error };
      await this.change(taskRef, { from: UNFINISHED, set });
    }
  }

  /** The record as it is then. */
  async answer(taskRef: string, responses: Responses): Promise<TaskRecord | undefined> {
    for (;;) {
      const before = await this.read(taskRef);
      const record = before && (await this.recordOf(before));
      if (before === undefined || record === undefined || isEnded(record)) return record;
      const edited = await this.#edit(before, questions => answer(questions, responses, Date.now()));
      if (edited !== undefined) return this.find(taskRef);
    }
  }

  questions(run: StoredRun): QuestionStore {
    const read = async () => {
      const stored = await this.read(run.taskRef);
      if (stored === undefined || !isOfRun(stored, run))
        throw new RunOverError('The task has ended otherwise.');
      return stored;
    };
    return questionStore({
      now: Date.now,
      read: async () => questionsOfRun(await read()),
      change: async edit => {
        for (;;) {
          const edited = await this.#edit(await read(), before => edit(before, run.inputTimeoutMs));
          if (edited !== undefined) return edited;
        }
      },
    });
  }

  /** The questions once they have been edited; undefined where the task has changed meanwhile. */
  async #edit(before: Stored, edit: Edit): Promise<Questions | undefined> {
    const known = questionsOfRun(before);
    const questions = edit(known);
    if (questions === known) return questions;
    const { startedAt } = before;
    const waited = startedAt ? { waitedMs: waitedMs(questions, Number(startedAt)) } : {};
    const set = { questions: JSON.stringify(questions), updatedAt: Date.now(), ...waited };
    return (await this.#changeSeen(before, set)) && questions;
  }

  async #failInvalid(taskRef: string): Promise<Stored | undefined> {
    for (;;) {
      const before = await this.read(taskRef);
      if (before === undefined || isEnded(before)) return undefined;
      const set = { ...endedAfter(DEFAULT_RETENTION_MS), status: 'failed', delivery: null, progress: null };
      const after = await this.#changeSeen(before, { ...set, error: JSON.stringify(INVALID_RECORD) });
      if (after !== undefined) return after;
    }
  }

  #changeRun({ taskRef, worker, runCount }: RunName, set: TaskChange['set']): Promise<boolean> {
    return this.change(taskRef, { from: ['processing'], worker, runCount, set });
  }

  /** The task as it is then; undefined where it has changed since it was read. */
  async #changeSeen(before: Stored, set: TaskChange['set']): Promise<Stored | undefined> {
    const version = Number(before.version);
    const isDone = await this.change(before.taskRef, { version, set });
    return isDone ? { ...before, ...set, version: version + 1 } : undefined;
  }
}

/** Whether the task runs as this run. */
export function isOfRun(stored: StoredTask | undefined, { worker, runCount }: RunName): boolean {
  return (
    stored?.status === 'processing' &&
    stored.worker === worker &&
    (runCount === undefined || stored.runCount === runCount)
  );
}

function endedAfter(ttlMs: number) {
  const now = Date.now();
  return { endedAt: now, updatedAt: now, expiresAt: now + ttlMs, questions: null, worker: null };
}
