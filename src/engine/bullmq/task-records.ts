import { digestJson } from '../../storage/canonical-json.js';
import type { Progress, TaskError } from '../../types.js';
import type { ClaimedTask, Submission } from '../engine.js';
import { DEFAULT_INPUT_TIMEOUT_MS, DEFAULT_RETENTION_MS } from '../engine-defaults.js';
import { GroupedAdds } from '../grouped-adds.js';
import { answer, type InputResponse, type Questions, waitedMs } from '../question.js';
import { INVALID_RECORD, InvalidRecordError, isInvalid, parseStored } from '../record-shape.js';
import { type QuestionStore, questionStore, RunOverError } from '../run-questions.js';
import type { StorableEnd } from '../storable-end.js';
import type { StoreCalls } from '../store-calls.js';
import { CANCELLED } from '../task-errors.js';
import { ALL_STATUSES } from '../task-list.js';
import {
  backInQueue,
  isEnded,
  type NewTask,
  newRecord,
  type RecordStatus,
  type TaskRecord,
  type WebhookDelivery,
} from '../task-record.js';
import { operationOf } from '../task-ref.js';
import type { RecordChange, RecordStore } from './record-store.js';
import {
  type FixedPart,
  fieldsToRecord,
  fixedPart,
  isRunBy,
  questionsOfFields,
  type TaskFields,
} from './task-fields.js';

/** A run: its task, and the token with which the message was taken. */
export interface ClaimedBy {
  readonly taskRef: string;
  readonly token: string;
  readonly ttlMs: number;
  readonly inputTimeoutMs: number;
}

export type ClaimedRun = ClaimedTask & { readonly run: ClaimedBy };

/** What has become of a run that is not gone on with: `failed` has the record. */
export type ReleasedRun = 'over' | 'again' | TaskRecord;

const UNFINISHED = ['pending', 'processing'] as const;
type Edit = (before: Questions) => Questions;
type Answered = Readonly<Record<string, InputResponse>>;

/** The tasks of an installation. Every change is conditional on how the task stands. */
export class TaskRecords {
  readonly #records: RecordStore;
  readonly #calls: StoreCalls;
  readonly #inserts: GroupedAdds<Parameters<RecordStore['insert']>[0][number]>;

  constructor(records: RecordStore, calls: StoreCalls) {
    this.#records = records;
    this.#calls = calls;
    this.#inserts = new GroupedAdds(tasks => calls.make(() => records.insert(tasks)), calls);
  }

  async insert(task: NewTask): Promise<Submission> {
    const { taskRef, owner, operation } = task;
    const fixed = fixedOf(task);
    const { ttlMs, delayMs, parametersDigest } = fixed;
    const key = task.idempotencyKey === undefined ? null : keyOf(task);
    for (;;) {
      // Of this try: a key may lapse during an earlier one.
      const createdAt = Date.now();
      const record = newRecord(task, { createdAt, parametersDigest, ttlMs, delayMs });
      const { status, updatedAt, expiresAt, runCount, excusedRuns, waitedMs } = record;
      const holder = await this.#inserts.add({
        ...{ taskRef, operation, ownerDigest: digestJson(owner), key, createdAt, expiresAt },
        ...{ status, updatedAt, runCount, excusedRuns, waitedMs, version: 1 },
        task: JSON.stringify(fixed),
        parameters: JSON.stringify(task.parameters) ?? 'null',
      });
      if (holder === taskRef) return { record, created: true };
      const earlier = await this.find(holder);
      if (earlier !== undefined) return { record: earlier, created: false };
      await this.#calls.make(() => this.#records.remove([holder]));
    }
  }

  /** The task that the owner has started with the same key. */
  async findByKey(task: NewTask): Promise<TaskRecord | undefined> {
    if (task.idempotencyKey === undefined) return undefined;
    const holder = await this.#calls.make(() => this.#records.holderOf(keyOf(task)));
    return holder === undefined ? undefined : this.find(holder);
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    const fields = await this.#read(taskRef);
    return fields && fieldsToRecord(fields, Date.now());
  }

  /** Begins a run of a task that waits; undefined where it does not. */
  async claim(taskRef: string, token: string): Promise<ClaimedRun | 'unreadable' | undefined> {
    const now = Date.now();
    const set = { status: 'processing', worker: token, startedAt: now, updatedAt: now } as const;
    const fields = await this.#change(taskRef, { from: ['pending'], set, answers: 'run', word: 'changed' });
    const record = fields && fieldsToRecord(fields, now);
    if (fields === undefined || record === undefined) return undefined;
    try {
      const { ttlMs, inputTimeoutMs } = fixedPart(fields);
      const parameters = parseStored(String(fields.parameters));
      return isInvalid(record)
        ? 'unreadable'
        : { record, parameters, run: { taskRef, token, ttlMs, inputTimeoutMs } };
    } catch (error) {
      if (error instanceof InvalidRecordError) return 'unreadable';
      throw error;
    }
  }

  /** Which run counts, if one does; undefined where the task has ended. */
  async standing(taskRef: string): Promise<{ readonly worker: string | undefined } | undefined> {
    const fields = await this.#read(taskRef);
    const record = fields && fieldsToRecord(fields, Date.now());
    if (fields === undefined || record === undefined || isEnded({ status: fields.status as RecordStatus }))
      return undefined;
    return { worker: fields.status === 'processing' ? String(fields.worker) : undefined };
  }

  /** @throws RunOverError when the run no longer counts */
  async end(run: ClaimedBy, { status, result, error }: StorableEnd, progress?: Progress): Promise<void> {
    const last = progress === undefined ? {} : { progress: JSON.stringify(progress) };
    const set = { ...endedAfter(run.ttlMs), status, result, error, ...last };
    if ((await this.#changeRun(run, set, 'ended')) === undefined)
      throw new RunOverError('The task has ended otherwise.');
  }

  /** Lets a run go: the task waits for another where it may be run again, and fails with `error` where not. */
  async release(taskRef: string, token: string, error: Required<TaskError>): Promise<ReleasedRun> {
    for (;;) {
      const fields = await this.#read(taskRef);
      if (fields === undefined || !isRunBy(fields, token)) return 'over';
      const record = fieldsToRecord(fields, Date.now());
      if (record === undefined || isInvalid(record)) return (await this.failInvalid(taskRef)) ?? 'over';
      const { ttlMs } = fixedPart(fields);
      const again = backInQueue(record, questionsOfFields(fields), { now: Date.now(), ttlMs });
      const waiting = again && { ...again, startedAt: null, progress: null, worker: null };
      const set = waiting ?? { ...endedAfter(ttlMs), status: 'failed', error: JSON.stringify(error) };
      const condition = { from: ['processing'], worker: token, version: Number(fields.version) } as const;
      const after = await this.#change(taskRef, {
        ...condition,
        answers: 'record',
        set,
        word: again ? 'changed' : 'ended',
      });
      if (after !== undefined) return again === undefined ? (fieldsToRecord(after, 0) ?? 'over') : 'again';
    }
  }

  /** Fails a task whose record cannot be read, unless it has ended. */
  async failInvalid(taskRef: string): Promise<TaskRecord | undefined> {
    const set = {
      ...endedAfter(DEFAULT_RETENTION_MS),
      status: 'failed',
      error: JSON.stringify(INVALID_RECORD),
    };
    const unread = { delivery: null, progress: null };
    const change = {
      from: UNFINISHED,
      set: { ...set, ...unread },
      answers: 'record',
      word: 'ended',
    } as const;
    const after = await this.#change(taskRef, change);
    return after && fieldsToRecord(after, 0);
  }

  /** The record as it is then; ended records stay as they are. */
  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    for (;;) {
      const fields = await this.#read(taskRef);
      const record = fields && fieldsToRecord(fields, Date.now());
      if (fields === undefined || record === undefined || isEnded(record)) return record;
      const { ttlMs } = fixedPart(fields);
      const set = { ...endedAfter(ttlMs), status: 'cancelled', error: JSON.stringify(CANCELLED) };
      const after = await this.#change(taskRef, { from: UNFINISHED, set, answers: 'record', word: 'ended' });
      if (after !== undefined) return fieldsToRecord(after, 0);
    }
  }

  async progress(run: ClaimedBy, progress: Progress): Promise<void> {
    await this.#changeRun(run, { progress: JSON.stringify(progress), updatedAt: Date.now() }, 'changed');
  }

  async recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    await this.#change(taskRef, { from: ALL_STATUSES, set: { delivery: JSON.stringify(delivery) } });
  }

  /** The record as it is then. */
  async answer(taskRef: string, responses: Answered): Promise<TaskRecord | undefined> {
    for (;;) {
      const fields = await this.#read(taskRef);
      const record = fields && fieldsToRecord(fields, Date.now());
      if (fields === undefined || record === undefined || isEnded(record)) return record;
      const edited = await this.#edit(fields, before => answer(before, responses, Date.now()));
      if (edited !== undefined) return this.find(taskRef);
    }
  }

  questions({ taskRef, token, inputTimeoutMs: timeoutMs }: ClaimedBy): QuestionStore {
    const read = async () => {
      const fields = await this.#read(taskRef);
      if (fields === undefined || !isRunBy(fields, token))
        throw new RunOverError('The task has ended otherwise.');
      return fields;
    };
    const change = async (edit: Edit) => {
      for (;;) {
        const edited = await this.#edit(await read(), edit);
        if (edited !== undefined) return edited;
      }
    };
    return questionStore({ timeoutMs, now: Date.now, read: async () => readQuestions(await read()), change });
  }

  /** The questions once they have been edited; undefined where the task has changed meanwhile. */
  async #edit(fields: TaskFields, edit: Edit): Promise<Questions | undefined> {
    const before = readQuestions(fields);
    const questions = edit(before);
    if (questions === before) return questions;
    const { startedAt, version } = fields;
    const waited = startedAt ? { waitedMs: waitedMs(questions, Number(startedAt)) } : {};
    const set = { questions: JSON.stringify(questions), updatedAt: Date.now(), ...waited };
    const condition = { from: UNFINISHED, version: Number(version), word: 'changed' } as const;
    const after = await this.#change(String(fields.taskRef), { ...condition, set });
    return after && questions;
  }

  async #read(taskRef: string): Promise<TaskFields | undefined> {
    if (operationOf(taskRef) === undefined) return undefined;
    return this.#calls.make(() => this.#records.read(taskRef));
  }

  #changeRun({ taskRef, token: worker }: ClaimedBy, set: TaskFields, word: RecordChange['word']) {
    return this.#change(taskRef, { from: ['processing'], worker, set, word });
  }

  #change(taskRef: string, change: RecordChange): Promise<TaskFields | undefined> {
    return this.#calls.make(() => this.#records.change(taskRef, change));
  }
}

function readQuestions(fields: TaskFields): Questions {
  try {
    return questionsOfFields(fields);
  } catch (cause) {
    throw new RunOverError('The questions of the task cannot be read any more.', { cause });
  }
}

function endedAfter(ttlMs: number) {
  const now = Date.now();
  return { endedAt: now, updatedAt: now, expiresAt: now + ttlMs, questions: null, worker: null };
}

function fixedOf(task: NewTask): FixedPart {
  return {
    owner: task.owner,
    parametersDigest: digestJson(task.parameters),
    slaMs: Math.ceil(task.slaMs),
    ttlMs: Math.ceil(task.ttlMs),
    retryAttempts: task.retryAttempts ?? 0,
    delayMs: Math.ceil(task.delayMs ?? 0),
    inputTimeoutMs: Math.ceil(task.inputTimeoutMs ?? DEFAULT_INPUT_TIMEOUT_MS),
    webhookUrl: task.webhookUrl,
  };
}

function keyOf({ owner, operation, idempotencyKey }: NewTask): string {
  return digestJson([owner, operation, idempotencyKey]);
}
