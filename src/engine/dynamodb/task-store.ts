import type { Progress } from '../../types.js';
import { ConditionalTasks, type StoredRun, type TaskChange } from '../conditional-tasks.js';
import type { ClaimedTask, Submission } from '../engine.js';
import { openRequests } from '../question.js';
import { parseStored } from '../record-shape.js';
import type { StorableEnd } from '../storable-end.js';
import { isUnexpired, readQuestions, readStoredTask } from '../stored-task.js';
import { isEnded, type NewTask, type TaskRecord } from '../task-record.js';
import type { DynamodbTable, Fields } from './dynamodb-table.js';
import { insertTask } from './task-insert.js';
import { removalTime, type TaskItem, type TaskKeys } from './task-item.js';
import { keepText, readText, readWholeRecord } from './task-texts.js';

/** A longer result is in items of its own. */
const MAX_INLINE_BYTES = 4096;

/** The front of a task whose message nobody has to send yet. */
export const NOBODY = 'nobody';

export interface TaskStoreOptions {
  readonly table: DynamodbTable;
  readonly keys: TaskKeys;
  /** The engine that changes them. */
  readonly instance: string;
  /** Told of each task that was failed without its run having ended it. */
  readonly onLost: (record: TaskRecord) => void;
}

/** The tasks of one installation in the table. Every change is conditional on the state of the task. */
export class TaskStore extends ConditionalTasks<TaskItem> {
  readonly #table: DynamodbTable;
  readonly #keys: TaskKeys;
  readonly #instance: string;

  constructor({ table, keys, instance, onLost }: TaskStoreOptions) {
    super(onLost);
    this.#table = table;
    this.#keys = keys;
    this.#instance = instance;
  }

  /** Stores a task, and its idempotency key with it; `front` is the engine that is to send its message. */
  insert(task: NewTask, front: string): Promise<Submission> {
    return insertTask({ table: this.#table, keys: this.#keys, find: ref => this.find(ref) }, { task, front });
  }

  /** The task that an idempotency key names. */
  async findByKey({ owner, operation, idempotencyKey }: NewTask): Promise<TaskRecord | undefined> {
    if (idempotencyKey === undefined) return undefined;
    const item = await this.#table.get(this.#keys.idempotency(owner, operation, idempotencyKey));
    return item && this.find(String(item.taskRef));
  }

  async read(taskRef: string): Promise<TaskItem | undefined> {
    if (this.#keys.taskRefOf(this.#keys.address(taskRef)) === undefined) return undefined;
    const item = await this.#table.get(this.#keys.task(taskRef));
    return this.#unexpired(item === undefined ? [] : [item])[0];
  }

  /** The items of those of the tasks that have not expired; `isLatest` as in `DynamodbTable.getMany`. */
  async items(taskRefs: readonly string[], isLatest: boolean): Promise<ReadonlyMap<string, TaskItem>> {
    const keys = [...new Set(taskRefs)].map(taskRef => this.#keys.task(taskRef));
    const items = [...(await this.#table.getMany(keys, isLatest))];
    if (!isLatest) {
      // A read that may be late may miss what is new.
      const found = new Set(items.map(({ pk }) => pk));
      const missing = keys.filter(({ pk }) => !found.has(pk));
      items.push(...(await this.#table.getMany(missing, true)));
    }
    return new Map(this.#unexpired(items).map(item => [item.taskRef, item]));
  }

  #unexpired(items: readonly Fields[]): readonly TaskItem[] {
    const named = items.map(
      item => ({ ...item, taskRef: this.#keys.taskRefOf(String(item.pk)) }) as TaskItem,
    );
    return named.filter(item => isUnexpired(item, Date.now()));
  }

  /**
   * Begins a run of a task that waits; undefined where another has, or the task has ended.
   * @throws InvalidRecordError when its parameters cannot be read
   */
  async claim(waiting: TaskItem): Promise<(ClaimedTask & { run: StoredRun }) | undefined> {
    const { pk, taskRef, ttlMs, inputTimeoutMs } = waiting;
    const runCount = waiting.runCount + 1;
    // Read before: a task that was claimed, and whose worker then cannot begin it, would run nowhere.
    const text = await readText(this.#table, { pk, name: 'parameters' }, waiting.parameters ?? 'null');
    const parameters = parseStored(text);
    const now = Date.now();
    const worker = this.#instance;
    const { item, isDone } = await this.#table.update(this.#keys.task(taskRef), {
      set: { status: 'processing', worker, runCount, startedAt: now, updatedAt: now, removeAt: undefined },
      condition: '#status = :pending AND #runCount = :seen AND #expiresAt > :now',
      values: { pending: 'pending', seen: waiting.runCount, now },
      insists: true,
    });
    if (!isDone) return undefined;
    const record = readStoredTask({ ...item, taskRef } as TaskItem);
    return { record, run: { taskRef, worker, runCount, ttlMs, inputTimeoutMs }, parameters };
  }

  override async end(run: StoredRun, end: StorableEnd, progress?: Progress): Promise<void> {
    const text = await keepText(this.#table, {
      pk: this.#keys.address(run.taskRef),
      name: endName(run),
      text: end.result ?? end.error,
      inlineBytes: MAX_INLINE_BYTES,
      removeAt: removalTime(Date.now() + run.ttlMs),
    });
    const kept = end.status === 'completed' ? { result: text, error: null } : { result: null, error: text };
    await super.end(run, { ...end, ...kept }, progress);
  }

  /** Makes this engine the one that sends the message of a task that waits; whether it was `before` until then. */
  async adopt(taskRef: string, before: string): Promise<boolean> {
    const { isDone } = await this.#table.update(this.#keys.task(taskRef), {
      set: { front: this.#instance },
      condition: '#status = :pending AND #front = :before',
      values: { pending: 'pending', before },
    });
    return isDone;
  }

  protected async change(taskRef: string, { from, set, ...stands }: TaskChange): Promise<boolean> {
    const statuses = Object.fromEntries((from ?? []).map(status => [status, status]));
    const given = Object.entries(stands).filter(([, value]) => value !== undefined);
    const conditions = [
      '(#status = :processing OR #expiresAt > :now)',
      ...(from === undefined ? [] : [`#status IN (${from.map(status => `:${status}`).join()})`]),
      ...given.map(([name]) => `#${name} = :${name}`),
    ];
    const { isDone } = await this.#table.update(this.#keys.task(taskRef), {
      set: { ...fieldsOf(set), ...this.#following(taskRef, set) },
      condition: conditions.join(' AND '),
      values: { processing: 'processing', now: Date.now(), ...statuses, ...Object.fromEntries(given) },
    });
    return isDone;
  }

  /** What changes with the state of a task, its expiry or its questions. */
  #following(taskRef: string, { status, expiresAt, questions }: TaskChange['set']): Fields {
    const isEnd = status !== undefined && isEnded({ status } as TaskItem);
    const isAsking =
      typeof questions === 'string' && openRequests(readQuestions({ questions })) !== undefined;
    return {
      ...(expiresAt !== undefined && { removeAt: removalTime(Number(expiresAt)) }),
      ...(questions !== undefined && { asking: isAsking ? 1 : undefined }),
      ...(isEnd && { front: undefined, statePartition: this.#keys.statePartition('ended', taskRef) }),
      ...(status === 'pending' && { front: this.#instance, dueAt: Date.now() }),
    };
  }

  protected override recordOf(item: TaskItem): Promise<TaskRecord> {
    return readWholeRecord(this.#table, item, endName(item));
  }
}

/** What is null in a change is not there in an item. */
function fieldsOf(set: TaskChange['set']): Fields {
  return Object.fromEntries(Object.entries(set).map(([name, value]) => [name, value ?? undefined]));
}

/** Of the text of an end that is in items of its own; a run that no longer counts overwrites no other's. */
function endName({ runCount = 0 }: Pick<StoredRun, 'runCount'>): string {
  return `end-${runCount}`;
}
