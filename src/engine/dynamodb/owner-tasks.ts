import { isEnded } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import type { TaskItem } from './task-item.js';

const MAX_LOOKED_AT = 1000;
const LOOK_AGAIN_MS = 1000;
const PRUNE_AFTER_MS = 60_000;

interface OwnerState {
  readonly unfinished: Set<string>;
  lookedAt: number;
}

/** The unfinished tasks that this process has taken in, by owner. */
export class OwnerTasks {
  readonly #look: (taskRefs: readonly string[]) => Promise<ReadonlyMap<string, TaskItem>>;
  readonly #owners = new Map<string, OwnerState>();
  /** The longest unchecked first. */
  readonly #ownerOf = new Map<string, string>();
  #prunedAt = performance.now();

  constructor(look: (taskRefs: readonly string[]) => Promise<ReadonlyMap<string, TaskItem>>) {
    this.#look = look;
  }

  get taskRefs(): Iterable<string> {
    return this.#ownerOf.keys();
  }

  /** Counts a task in before it is stored; false where its owner has `max` already. */
  async enter(taskRef: string, name: string, max = Number.POSITIVE_INFINITY): Promise<boolean> {
    const known = this.#owners.get(name);
    if (
      known !== undefined &&
      known.unfinished.size >= max &&
      performance.now() - known.lookedAt > LOOK_AGAIN_MS
    ) {
      known.lookedAt = performance.now();
      await this.#forgetEnded([...known.unfinished].slice(0, MAX_LOOKED_AT));
    }
    const owner = this.#owners.get(name) ?? { unfinished: new Set(), lookedAt: Number.NEGATIVE_INFINITY };
    if (owner.unfinished.size >= max) return false;
    this.#owners.set(name, owner);
    owner.unfinished.add(taskRef);
    this.#ownerOf.set(taskRef, name);
    return true;
  }

  /** For a task that has ended, or was not stored after all. */
  leave(taskRef: string): void {
    const name = this.#ownerOf.get(taskRef);
    if (name === undefined) return;
    this.#ownerOf.delete(taskRef);
    const owner = this.#owners.get(name);
    owner?.unfinished.delete(taskRef);
    if (owner?.unfinished.size === 0) this.#owners.delete(name);
  }

  /** Nobody may be here who hears of the ends of what this process has taken in. */
  async prune(): Promise<void> {
    if (performance.now() - this.#prunedAt < PRUNE_AFTER_MS) return;
    this.#prunedAt = performance.now();
    await this.#forgetEnded([...this.#ownerOf.keys()].slice(0, MAX_LOOKED_AT));
  }

  async #forgetEnded(taskRefs: readonly string[]): Promise<void> {
    const items = await this.#look(taskRefs);
    for (const taskRef of taskRefs) {
      const item = items.get(taskRef);
      const name = this.#ownerOf.get(taskRef);
      if (item === undefined || isEnded(item)) this.leave(taskRef);
      else if (name !== undefined) {
        this.#ownerOf.delete(taskRef);
        this.#ownerOf.set(taskRef, name);
      }
    }
  }
}

/** What this engine has submitted, and what its own worker may still have to run. */
export class OwedTasks extends Set<string> {
  readonly #look: (taskRefs: readonly string[]) => Promise<ReadonlyMap<string, TaskItem>>;

  constructor(look: (taskRefs: readonly string[]) => Promise<ReadonlyMap<string, TaskItem>>) {
    super();
    this.#look = look;
  }

  async isOwing(operations: readonly string[]): Promise<boolean> {
    const mine = [...this].filter(taskRef => operations.includes(operationOf(taskRef) ?? ''));
    const items = await this.#look(mine);
    for (const taskRef of mine) {
      const item = items.get(taskRef);
      if (item === undefined || isEnded(item)) this.delete(taskRef);
      // What waits for an answer, nobody could give it through a process that only finishes.
      else if (item.asking === undefined) return true;
    }
    return false;
  }
}
