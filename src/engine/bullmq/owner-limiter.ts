import { AskedOnce } from '../asked-once.js';

/** So many unfinished tasks of an owner go straight to the queue: what takes turns is the backlog. */
const NO_TURN_BELOW = 16;
/** BullMQ's limit. Beyond it, which takes 2 million tasks without a moment's rest, the order is that of submission. */
export const LAST_TURN = 2 ** 21 - 1;
/** Where an owner's limit is reached, so many of its tasks are looked at, once in a while: nobody may have heard of ends. */
const MAX_LOOKED_AT = 1000;
const LOOK_AGAIN_MS = 1000;
const AT_ONCE = 20;

export interface OwnerLimiterOptions {
  /** The turn that an operation's queue serves now: the least priority of those that have one, 0 without any. */
  presentTurn(operation: string): Promise<number>;
  hasEnded(taskRef: string): Promise<boolean>;
}

interface Owner {
  readonly unfinished: Set<string>;
  /** The last turn that was given, by operation. */
  readonly lastStarts: Map<string, number>;
  lookedAt: number;
}

/**
 * The unfinished tasks that this process has submitted, by owner, and the turns of those that go behind the owner's
 * others. A turn is a job's priority: one more than the owner's last, at least the one that is served now (start-time
 * fair queueing). So each of several owners is served one job per turn, whatever they have submitted.
 */
export class OwnerLimiter {
  readonly #options: OwnerLimiterOptions;
  readonly #owners = new Map<string, Owner>();
  readonly #ownerOf = new Map<string, string>();
  readonly #present = new AskedOnce<number>();

  constructor(options: OwnerLimiterOptions) {
    this.#options = options;
  }

  /** All that may be unfinished, the longest unchecked first. */
  get taskRefs(): Iterable<string> {
    return this.#ownerOf.keys();
  }

  /** Counts a task in before it is stored; false where its owner has `max` already. */
  async enter(taskRef: string, name: string, max = Number.POSITIVE_INFINITY): Promise<boolean> {
    const owner = this.#owners.get(name);
    if (owner !== undefined && owner.unfinished.size >= max) await this.#forgetEnded(owner);
    if ((this.#owners.get(name)?.unfinished.size ?? 0) >= max) return false;
    const entered = this.#owners.get(name) ?? newOwner();
    this.#owners.set(name, entered);
    entered.unfinished.add(taskRef);
    this.#ownerOf.set(taskRef, name);
    return true;
  }

  /** For a task that has ended, or was not stored after all. */
  leave(taskRef: string): void {
    const name = this.#ownerOf.get(taskRef);
    const owner = name === undefined ? undefined : this.#owners.get(name);
    if (name === undefined || owner === undefined) return;
    this.#ownerOf.delete(taskRef);
    owner.unfinished.delete(taskRef);
    if (owner.unfinished.size < NO_TURN_BELOW) owner.lastStarts.clear();
    if (owner.unfinished.size === 0) this.#owners.delete(name);
  }

  /** Puts a task that was checked behind the others. */
  keep(taskRef: string): void {
    const name = this.#ownerOf.get(taskRef);
    if (name === undefined) return;
    this.#ownerOf.delete(taskRef);
    this.#ownerOf.set(taskRef, name);
  }

  /** The priority of a job; undefined for one that goes straight to the queue. */
  async turnOf(name: string, operation: string): Promise<number | undefined> {
    const owner = this.#owners.get(name);
    if (owner === undefined || owner.unfinished.size <= NO_TURN_BELOW) return undefined;
    // Asked once for all that come meanwhile, each of which goes behind the last.
    const present = await this.#present.ask(operation, () => this.#options.presentTurn(operation));
    const turn = Math.min(Math.max(present, owner.lastStarts.get(operation) ?? 0) + 1, LAST_TURN);
    owner.lastStarts.set(operation, turn);
    return turn;
  }

  async #forgetEnded(owner: Owner): Promise<void> {
    const now = performance.now();
    if (now - owner.lookedAt < LOOK_AGAIN_MS) return;
    owner.lookedAt = now;
    const oldest = [...owner.unfinished].slice(0, MAX_LOOKED_AT);
    const look = async () => {
      for (let taskRef = oldest.shift(); taskRef !== undefined; taskRef = oldest.shift()) {
        if (await this.#options.hasEnded(taskRef)) this.leave(taskRef);
        else if (owner.unfinished.delete(taskRef)) owner.unfinished.add(taskRef);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, look));
  }
}

function newOwner(): Owner {
  return { unfinished: new Set(), lastStarts: new Map(), lookedAt: Number.NEGATIVE_INFINITY };
}
