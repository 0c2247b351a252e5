import type { Submission } from './engine.js';
import { TooManyTasksError } from './task-errors.js';
import { isEnded, type NewTask, type TaskRecord } from './task-record.js';
import { operationOf } from './task-ref.js';

/** Tasks that are looked at together. */
const PAGE = 100;
/** Where an owner's limit is reached, so many of its tasks are looked at, once in a while: nobody may have heard of ends. */
const MAX_LOOKED_AT = 1000;
const LOOK_AGAIN_MS = 1000;
const PRUNE_AFTER_MS = 60_000;
/** A server whose client has gone does not wait for what is due later. */
const MAX_OWED_DELAY_MS = 30_000;

export interface SubmittedTasksContext {
  /** Those of the tasks that have not expired. */
  readonly look: (taskRefs: readonly string[]) => Promise<ReadonlyMap<string, TaskRecord>>;
  /** The task that the owner has started with the same key. */
  readonly findByKey: (task: NewTask) => Promise<TaskRecord | undefined>;
}

interface Submitted {
  readonly owner: string;
  readonly isSoonDue: boolean;
  /** Before, there may be no record of it. */
  isStored: boolean;
}

/** The tasks that this process has submitted, and that may be unfinished. */
export class SubmittedTasks {
  readonly #context: SubmittedTasksContext;
  /** The longest unchecked first. */
  readonly #tasks = new Map<string, Submitted>();
  readonly #byOwner = new Map<string, Set<string>>();
  readonly #lookedAt = new WeakMap<ReadonlySet<string>, number>();
  #prunedAt = performance.now();

  constructor(context: SubmittedTasksContext) {
    this.#context = context;
  }

  /** @throws TooManyTasksError where the owner has `maxUnfinished` tasks already, and none with this key */
  async submit(task: NewTask, insert: () => Promise<Submission>): Promise<Submission> {
    const { taskRef, maxUnfinished = Number.POSITIVE_INFINITY } = task;
    const entered = await this.#enter(task, maxUnfinished);
    if (entered === undefined) {
      const record = await this.#context.findByKey(task);
      if (record !== undefined) return { record, created: false };
      throw new TooManyTasksError(maxUnfinished);
    }
    try {
      const submission = await insert();
      entered.isStored = true;
      if (!submission.created) this.leave(taskRef);
      return submission;
    } catch (error) {
      this.leave(taskRef);
      throw error;
    }
  }

  unfinishedOf(owner: string): ReadonlySet<string> | undefined {
    return this.#byOwner.get(owner);
  }

  /** For a task that has ended. */
  leave(taskRef: string): void {
    const { owner = '' } = this.#tasks.get(taskRef) ?? {};
    this.#tasks.delete(taskRef);
    const unfinished = this.#byOwner.get(owner);
    unfinished?.delete(taskRef);
    if (unfinished?.size === 0) this.#byOwner.delete(owner);
  }

  /** Whether a task of these operations is unfinished, and due soon. */
  async isOwing(operations: readonly string[]): Promise<boolean> {
    const mine = [...this.#tasks].filter(
      ([taskRef, { isSoonDue }]) => isSoonDue && operations.includes(operationOf(taskRef) ?? ''),
    );
    const taskRefs = mine.map(([taskRef]) => taskRef);
    while (taskRefs.length > 0) {
      const unfinished = await this.#look(taskRefs.splice(0, PAGE));
      // What waits for an answer, nobody could give it through a process that only finishes.
      if (unfinished.some(({ inputRequests }) => inputRequests === undefined)) return true;
    }
    return false;
  }

  /** Nobody may be here who hears of the ends of what this process has submitted. Call it once in a while. */
  async prune(): Promise<void> {
    if (performance.now() - this.#prunedAt < PRUNE_AFTER_MS) return;
    this.#prunedAt = performance.now();
    await this.#look([...this.#tasks.keys()].slice(0, MAX_LOOKED_AT));
  }

  /** Counts a task in before it is stored; undefined where its owner has `max` already. */
  async #enter({ taskRef, owner, delayMs = 0 }: NewTask, max: number): Promise<Submitted | undefined> {
    const known = this.#byOwner.get(owner);
    const now = performance.now();
    const lookedAt = (known && this.#lookedAt.get(known)) ?? Number.NEGATIVE_INFINITY;
    if (known !== undefined && known.size >= max && now - lookedAt >= LOOK_AGAIN_MS) {
      this.#lookedAt.set(known, now);
      await this.#look([...known].slice(0, MAX_LOOKED_AT));
    }
    const unfinished = this.#byOwner.get(owner) ?? new Set();
    if (unfinished.size >= max) return undefined;
    this.#byOwner.set(owner, unfinished.add(taskRef));
    const submitted = { owner, isSoonDue: delayMs <= MAX_OWED_DELAY_MS, isStored: false };
    this.#tasks.set(taskRef, submitted);
    return submitted;
  }

  /** Forgets those that have ended: the records of the others. */
  async #look(taskRefs: readonly string[]): Promise<readonly TaskRecord[]> {
    const stored = taskRefs.filter(taskRef => this.#tasks.get(taskRef)?.isStored);
    const records = await this.#context.look(stored);
    const isUnfinished = (taskRef: string) => {
      const record = records.get(taskRef);
      return record !== undefined && !isEnded(record);
    };
    for (const taskRef of stored)
      if (isUnfinished(taskRef)) this.#putBehind(taskRef);
      else this.leave(taskRef);
    return [...records.values()].filter(record => !isEnded(record));
  }

  #putBehind(taskRef: string): void {
    const submitted = this.#tasks.get(taskRef);
    if (submitted === undefined) return;
    this.#tasks.delete(taskRef);
    this.#tasks.set(taskRef, submitted);
    const unfinished = this.#byOwner.get(submitted.owner);
    if (unfinished?.delete(taskRef)) unfinished.add(taskRef);
  }
}
