import { digestJson } from '../../storage/canonical-json.js';
import { ConditionalTasks, type StoredRun, type TaskChange } from '../conditional-tasks.js';
import type { ClaimedTask, Submission } from '../engine.js';
import { type OperationStats, statsOf } from '../operation-stats.js';
import type { StoreCalls } from '../store-calls.js';
import { isUnexpired, readClaimed, type StoredTask } from '../stored-task.js';
import {
  ALL_STATUSES,
  isListed,
  type ListPosition,
  type ListQuery,
  type TaskPage,
  toPage,
} from '../task-list.js';
import { isEnded, type NewTask, newStoredTask, type RecordStatus, type TaskRecord } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import type { Newest, NewFields, OfStatus, RecordStore } from './record-store.js';
import { toStoredTask, unexpiredRecords } from './task-fields.js';

/** Looks for one page. What a filter leaves out costs looks; the next page goes on from there. */
const MAX_LOOKS = 20;
/** Tasks that are looked at in each status for statistics; what is beyond is only counted. */
const SAMPLE = 500;

/** A run, whose `worker` is the token with which its message was taken. */
export type ClaimedRun = ClaimedTask & { readonly run: StoredRun };

export interface TaskRecordsOptions {
  readonly records: RecordStore;
  readonly calls: StoreCalls;
  /** Told of each task that was failed without its run having ended it. */
  readonly onLost: (record: TaskRecord) => void;
}

/** The tasks of an installation. Every change is conditional on how the task stands. */
export class TaskRecords extends ConditionalTasks<StoredTask> {
  readonly #records: RecordStore;
  readonly #calls: StoreCalls;

  constructor({ records, calls, onLost }: TaskRecordsOptions) {
    super(onLost);
    this.#records = records;
    this.#calls = calls;
  }

  /** Stores a task, and sends its message with `announce`: again, where either fails. */
  async insert(task: NewTask, announce: (record: TaskRecord) => Promise<void>): Promise<Submission> {
    const { taskRef, owner } = task;
    const key = task.idempotencyKey === undefined ? null : keyOf(task);
    for (;;) {
      // Of this try: a key may lapse during an earlier one.
      const { record, parameters, ...times } = newStoredTask(task, Date.now());
      const { operation, status, createdAt, updatedAt, expiresAt, runCount, excusedRuns, waitedMs } = record;
      const { parametersDigest, slaMs, retryAttempts, webhookUrl } = record;
      const fixed = { owner, parametersDigest, slaMs, retryAttempts, webhookUrl, ...times };
      const fields = {
        ...{ taskRef, operation, ownerDigest: digestJson(owner), key, createdAt, expiresAt },
        ...{ status, updatedAt, runCount, excusedRuns, waitedMs, version: 1 },
        task: JSON.stringify(fixed),
        parameters,
      };
      const holder = await this.#calls.make(() => this.#store(fields, () => announce(record)));
      if (holder === taskRef) return { record, created: true };
      const earlier = await this.find(holder);
      if (earlier !== undefined) return { record: earlier, created: false };
      await this.#calls.make(() => this.#records.remove([holder]));
    }
  }

  /**
   * The message never goes first: it would be taken for one too many. That of a task with a key waits for the record, since
   * the key may be another task's, and calls that come again would fill the queue.
   */
  async #store(fields: NewFields, announce: () => Promise<void>): Promise<string> {
    const stored = this.#records.insert(fields);
    if ((fields.key !== null || !this.#records.isOrdered) && (await stored) !== fields.taskRef) return stored;
    return (await Promise.all([stored, announce()]))[0];
  }

  /** The task that the owner has started with the same key. */
  async findByKey(task: NewTask): Promise<TaskRecord | undefined> {
    if (task.idempotencyKey === undefined) return undefined;
    const holder = await this.#calls.make(() => this.#records.holderOf(keyOf(task)));
    return holder === undefined ? undefined : this.find(holder);
  }

  async read(taskRef: string): Promise<StoredTask | undefined> {
    if (operationOf(taskRef) === undefined) return undefined;
    const fields = await this.#calls.make(() => this.#records.read(taskRef));
    const stored = fields && toStoredTask(fields);
    return stored && isUnexpired(stored, Date.now()) ? stored : undefined;
  }

  /** Those of the tasks that have not expired, without their results. */
  async findMany(taskRefs: readonly string[]): Promise<ReadonlyMap<string, TaskRecord>> {
    const found = await this.#calls.make(() => this.#records.readMany(taskRefs));
    return new Map(unexpiredRecords(found, Date.now()).map(record => [record.taskRef, record]));
  }

  /** Begins a run of a task that waits; undefined where it does not, or has failed since it cannot be read. */
  async claim(taskRef: string, token: string): Promise<ClaimedRun | undefined> {
    const begin = () => {
      const now = Date.now();
      const set = { status: 'processing', worker: token, startedAt: now, updatedAt: now };
      return this.#records.change(taskRef, { from: ['pending'], set, word: 'changed', begins: true });
    };
    const fields = await this.#calls.make(begin);
    if (fields === undefined) return undefined;
    const stored = toStoredTask(fields);
    const claimed = readClaimed(stored);
    if (claimed === undefined) {
      await this.failInvalid(taskRef);
      return undefined;
    }
    const [ttlMs, inputTimeoutMs] = [Number(stored.ttlMs), Number(stored.inputTimeoutMs)];
    return { ...claimed, run: { taskRef, worker: token, ttlMs, inputTimeoutMs } };
  }

  async list(query: ListQuery): Promise<TaskPage> {
    const { owner, operation, statuses, limit } = query;
    const ownerDigest = owner === undefined ? undefined : digestJson(owner);
    const found: TaskRecord[] = [];
    let reached: ListPosition | undefined = query.after;
    for (let looks = 0; looks < MAX_LOOKS && found.length <= limit && reached !== undefined; looks++) {
      const look = { ownerDigest, operation, statuses, count: limit + 1, after: reached };
      const newest: Newest = await this.#calls.make(() => this.#records.newest(look));
      found.push(...unexpiredRecords(newest.tasks, Date.now()).filter(record => isListed(record, query)));
      reached = newest.reached;
    }
    return toPage(query, found, reached);
  }

  /** How the tasks of one operation stand. */
  stats(operation: string, windowMs: number): Promise<OperationStats> {
    return this.#calls.make(() => readOperationStats(this.#records, operation, windowMs));
  }

  protected async change(taskRef: string, change: TaskChange): Promise<boolean> {
    const { status, updatedAt } = change.set;
    // Nobody waits for the delivery of a webhook.
    const heard = updatedAt === undefined ? undefined : 'changed';
    const word = status !== undefined && isEnded({ status } as StoredTask) ? 'ended' : heard;
    let tries = 0;
    const changed = await this.#calls.make(() => {
      tries++;
      return this.#records.change(taskRef, { ...change, word });
    });
    if (changed !== undefined || tries === 1) return changed !== undefined;
    // A change whose answer was lost, and that was made again, finds itself.
    const stored: Readonly<Record<string, unknown>> = { ...(await this.read(taskRef)) };
    return Object.entries(change.set).every(([name, value]) => `${stored[name] ?? ''}` === `${value ?? ''}`);
  }
}

function keyOf({ owner, operation, idempotencyKey }: NewTask): string {
  return digestJson([owner, operation, idempotencyKey]);
}

/** The store counts the tasks; durations and rates come from the newest of each status. */
async function readOperationStats(
  records: RecordStore,
  operation: string,
  windowMs: number,
): Promise<OperationStats> {
  const now = Date.now();
  const recordsOf = async (query: Omit<OfStatus, 'operation'>) =>
    unexpiredRecords(await records.ofStatus({ operation, ...query }), now);
  const counts = await records.counts(operation);
  const byRef = new Map<string, TaskRecord>();
  // In the order of a task's life: one that moves on meanwhile is seen again, not missed.
  for (const status of ALL_STATUSES)
    for (const record of await recordsOf({ status, count: SAMPLE })) byRef.set(record.taskRef, record);
  // The newest may not be those that have waited for longest.
  const oldest = await recordsOf({ status: 'pending', count: 1, oldestFirst: true });
  const seen = statsOf([...byRef.values()], { operation, now, windowMs });
  const { oldestWaitMs } = statsOf([...byRef.values(), ...oldest], { operation, now, windowMs });
  const total = (status: RecordStatus) => seen[status] + Math.max(0, (counts[status] ?? 0) - SAMPLE);
  const totals = Object.fromEntries(ALL_STATUSES.map(status => [status, total(status)]));
  return { ...seen, ...totals, oldestWaitMs };
}
