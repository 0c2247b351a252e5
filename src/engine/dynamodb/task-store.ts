import type { Progress, TaskError } from '../../types.js';
import type { ClaimedTask, Submission } from '../engine.js';
import { answer, type InputResponse, type Questions } from '../question.js';
import { INVALID_RECORD, isInvalid, parseStored } from '../record-shape.js';
import { type QuestionStore, RunOverError } from '../run-questions.js';
import type { StorableEnd } from '../storable-end.js';
import { CANCELLED } from '../task-errors.js';
import { backInQueue, isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import type { DynamodbTable, Fields, ItemChange, Written } from './dynamodb-table.js';
import { type EditQuestions, editedQuestions, runQuestionStore } from './item-questions.js';
import { insertTask } from './task-insert.js';
import {
  isOfRun,
  isUnexpired,
  itemRecord,
  questionsOf,
  removalTime,
  type TableRun,
  type TaskItem,
  type TaskKeys,
} from './task-item.js';
import { keepText, readText, readWholeRecord } from './task-texts.js';

/** A longer result is in items of its own. */
const MAX_INLINE_BYTES = 4096;
const UNREADABLE_KEPT_MS = 3_600_000;

/** What has become of a run that its worker does not go on with. */
export type Released =
  | { readonly status: 'ended'; readonly record: TaskRecord }
  | { readonly status: 'pending'; readonly item: TaskItem };

/** The front of a task whose message nobody has to send yet. */
export const NOBODY = 'nobody';

const OF_RUN = '#status = :processing AND #worker = :worker AND #runCount = :runCount';
const UNFINISHED = '(#status = :processing OR (#status = :pending AND #expiresAt > :now))';

/** The tasks of one installation in the table. Every change is conditional on the state of the task. */
export class TaskStore {
  readonly #table: DynamodbTable;
  readonly #keys: TaskKeys;
  readonly #context: { readonly table: DynamodbTable; readonly keys: TaskKeys };

  constructor(table: DynamodbTable, keys: TaskKeys) {
    this.#context = { table, keys };
    this.#table = table;
    this.#keys = keys;
  }

  /** Stores a task, and its idempotency key with it; `front` is the engine that is to send its message. */
  insert(task: NewTask, front: string): Promise<Submission> {
    return insertTask({ ...this.#context, find: taskRef => this.find(taskRef) }, { task, front });
  }

  /** The task that an idempotency key names. */
  async findByKey({ owner, operation, idempotencyKey }: NewTask): Promise<TaskRecord | undefined> {
    if (idempotencyKey === undefined) return undefined;
    const item = await this.#table.get(this.#keys.idempotency(owner, operation, idempotencyKey));
    return item && this.find(String(item.taskRef));
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    const item = await this.item(taskRef);
    return item && this.#record(taskRef, item);
  }

  /** The item of a task that has not expired, as it is after all writes that were answered. */
  async item(taskRef: string): Promise<TaskItem | undefined> {
    if (this.#keys.taskRefOf(this.#keys.address(taskRef)) === undefined) return undefined;
    const item = (await this.#table.get(this.#keys.task(taskRef))) as TaskItem | undefined;
    return item !== undefined && isUnexpired(item, Date.now()) ? item : undefined;
  }

  /** The items of those of the tasks that have not expired; `isLatest` as in `DynamodbTable.getMany`. */
  async items(taskRefs: readonly string[], isLatest: boolean): Promise<ReadonlyMap<string, TaskItem>> {
    const keys = [...new Set(taskRefs)].map(taskRef => this.#keys.task(taskRef));
    const items = [...(await this.#table.getMany(keys, isLatest))] as TaskItem[];
    if (!isLatest) {
      // A read that may be late may miss what is new.
      const found = new Set(items.map(({ pk }) => pk));
      const missing = keys.filter(({ pk }) => !found.has(pk));
      items.push(...((await this.#table.getMany(missing, true)) as readonly TaskItem[]));
    }
    const known = items.filter(item => isUnexpired(item, Date.now()));
    return new Map(known.map(item => [this.#keys.taskRefOf(item.pk) ?? '', item]));
  }

  /**
   * Begins a run of a task that waits; undefined where another has, or the task has ended.
   * @throws InvalidRecordError when its parameters cannot be read
   */
  async claim(
    taskRef: string,
    waiting: TaskItem,
    worker: string,
  ): Promise<(ClaimedTask & { run: TableRun }) | undefined> {
    const { pk, ttlMs, inputTimeoutMs } = waiting;
    const runCount = waiting.runCount + 1;
    // Read before: a task that was claimed, and whose worker then cannot begin it, would run nowhere.
    const text = await readText(this.#table, { pk, name: 'parameters' }, waiting.parameters ?? 'null');
    const parameters = parseStored(text);
    const now = Date.now();
    const { item, isDone } = await this.#update(taskRef, {
      set: { status: 'processing', worker, runCount, startedAt: now, updatedAt: now, removeAt: undefined },
      condition: '#status = :pending AND #runCount = :seen AND #expiresAt > :now',
      values: { pending: 'pending', seen: waiting.runCount, now },
      insists: true,
    });
    if (!isDone) return undefined;
    const record = itemRecord(taskRef, item as TaskItem);
    return { record, run: { taskRef, worker, runCount, ttlMs, inputTimeoutMs }, parameters };
  }

  /** @throws RunOverError when the run no longer counts */
  async end(run: TableRun, { status, result, error }: StorableEnd, progress?: Progress): Promise<void> {
    const now = Date.now();
    const { taskRef, ttlMs } = run;
    const { removeAt } = this.#ended(taskRef, ttlMs, now);
    const text = await keepText(this.#table, {
      pk: this.#keys.address(taskRef),
      name: endName(run),
      text: result ?? error,
      inlineBytes: MAX_INLINE_BYTES,
      removeAt,
    });
    const written = await this.#updateRun(run, {
      ...this.#ended(taskRef, ttlMs, now),
      status,
      [status === 'completed' ? 'result' : 'error']: text,
      ...(progress === undefined ? {} : { progress: JSON.stringify(progress) }),
    });
    if (!written.isDone) throw new RunOverError('The task has ended otherwise.');
  }

  /** Cancels a task that has not ended; its record in any case. */
  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    const before = await this.item(taskRef);
    if (before === undefined || isEnded(before)) return before && this.#record(taskRef, before);
    const now = Date.now();
    const { item } = await this.#update(taskRef, {
      set: {
        ...this.#ended(taskRef, before.ttlMs, now),
        status: 'cancelled',
        error: JSON.stringify(CANCELLED),
      },
      condition: UNFINISHED,
      values: { pending: 'pending', processing: 'processing', now },
    });
    const after = item as TaskItem | undefined;
    return after !== undefined && isUnexpired(after, Date.now()) ? this.#record(taskRef, after) : undefined;
  }

  async progress(run: TableRun, progress: Progress): Promise<void> {
    const set = { progress: JSON.stringify(progress), updatedAt: Date.now() };
    await this.#updateRun(run, set, { keepsVersion: true });
  }

  async recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    const set = { delivery: JSON.stringify(delivery) };
    await this.#update(taskRef, { set, condition: 'attribute_exists(#pk)' });
  }

  /** Makes `front` the engine that sends the message of a task that waits; whether it was `before` until then. */
  async adopt(taskRef: string, before: string, front: string): Promise<boolean> {
    const { isDone } = await this.#update(taskRef, {
      set: { front },
      condition: '#status = :pending AND #front = :before',
      values: { pending: 'pending', before },
      keepsVersion: true,
    });
    return isDone;
  }

  questions(run: TableRun): QuestionStore {
    return runQuestionStore(run, {
      item: () => this.item(run.taskRef),
      edit: (item, edit) => this.#edit(run.taskRef, item, edit),
    });
  }

  /** Stores answers, unless the task has ended; the record as it is then. */
  async answer(
    taskRef: string,
    responses: Readonly<Record<string, InputResponse>>,
  ): Promise<TaskRecord | undefined> {
    for (;;) {
      const item = await this.item(taskRef);
      if (item === undefined || isEnded(item)) return item && this.#record(taskRef, item);
      const edit = (questions: Questions) => answer(questions, responses, Date.now());
      if ((await this.#edit(taskRef, item, edit)) !== undefined) return this.find(taskRef);
    }
  }

  /** The questions once they have been edited; undefined where the task has changed meanwhile. */
  async #edit(taskRef: string, item: TaskItem, edit: EditQuestions): Promise<Questions | undefined> {
    const edited = editedQuestions(item, edit);
    if (edited.change === undefined) return edited.questions;
    const { isDone } = await this.#update(taskRef, {
      set: edited.change,
      condition: `#version = :version AND ${UNFINISHED}`,
      values: { version: item.version, pending: 'pending', processing: 'processing', now: Date.now() },
    });
    return isDone ? edited.questions : undefined;
  }

  /**
   * Lets a run go: the task waits for another one if it may be run again, and fails with `error` if not. `front` is to
   * send its message. Undefined where the run no longer counts.
   */
  async release(
    { taskRef, worker, runCount }: Pick<TableRun, 'taskRef' | 'worker' | 'runCount'>,
    { error, front }: { readonly error: Required<TaskError>; readonly front: string },
  ): Promise<Released | undefined> {
    for (;;) {
      const before = await this.item(taskRef);
      if (before === undefined || !isOfRun(before, { worker, runCount })) return undefined;
      const now = Date.now();
      const isUnreadable = isInvalid(itemRecord(taskRef, before));
      const { ttlMs } = before;
      const again = isUnreadable ? undefined : backInQueue(before, questionsOf(before), { now, ttlMs });
      const set = isUnreadable
        ? this.#endedUnreadable(taskRef, now)
        : again === undefined
          ? { ...this.#ended(taskRef, ttlMs, now), status: 'failed', error: JSON.stringify(error) }
          : { ...again, front, worker: undefined, dueAt: now, removeAt: removalTime(again.expiresAt) };
      const written = await this.#update(taskRef, {
        set,
        condition: `#version = :version AND ${OF_RUN}`,
        values: { version: before.version, processing: 'processing', worker, runCount },
      });
      if (!written.isDone) continue;
      const item = written.item as TaskItem;
      if (item.status === 'pending') return { status: 'pending', item };
      return { status: 'ended', record: itemRecord(taskRef, item) };
    }
  }

  /** Fails a task whose item or parameters cannot be read; undefined where it has changed meanwhile. */
  async failInvalid(taskRef: string, { version }: TaskItem): Promise<TaskRecord | undefined> {
    const { item, isDone } = await this.#update(taskRef, {
      set: this.#endedUnreadable(taskRef, Date.now()),
      condition: '#version = :version AND NOT #status IN (:completed, :failed, :cancelled)',
      values: { version, completed: 'completed', failed: 'failed', cancelled: 'cancelled' },
    });
    return isDone ? itemRecord(taskRef, item as TaskItem) : undefined;
  }

  #endedUnreadable(taskRef: string, now: number) {
    const error = JSON.stringify(INVALID_RECORD);
    return { ...this.#ended(taskRef, UNREADABLE_KEPT_MS, now), status: 'failed', error };
  }

  #ended(taskRef: string, ttlMs: number, now: number) {
    return {
      endedAt: now,
      updatedAt: now,
      expiresAt: now + ttlMs,
      removeAt: removalTime(now + ttlMs),
      statePartition: this.#keys.statePartition('ended', taskRef),
      questions: undefined,
      asking: undefined,
      front: undefined,
      worker: undefined,
    };
  }

  #record(taskRef: string, item: TaskItem): Promise<TaskRecord> {
    return readWholeRecord(this.#table, { taskRef, item, endName: endName(item) });
  }

  #updateRun({ taskRef, worker, runCount }: TableRun, set: Fields, options: Partial<ItemChange> = {}) {
    const values = { processing: 'processing', worker, runCount };
    return this.#update(taskRef, { set, condition: OF_RUN, values, ...options });
  }

  #update(taskRef: string, change: ItemChange): Promise<Written> {
    return this.#table.update(this.#keys.task(taskRef), change);
  }
}

/** Of the text of an end that is in items of its own; a run that no longer counts overwrites no other's. */
function endName({ runCount }: { readonly runCount: number }): string {
  return `end-${runCount}`;
}
