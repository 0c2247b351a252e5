/** So many unfinished tasks of an owner go straight to the queue: what takes turns is the backlog. */
const NO_TURN_BELOW = 16;
/** BullMQ's limit. Beyond it, which takes 2 million tasks without a moment's rest, the order is that of submission. */
export const LAST_TURN = 2 ** 21 - 1;

/** So long, an answer is not asked for again: nobody who submits waits for it, and each of an owner's goes behind the last. */
const PRESENT_FOR_MS = 100;

/** The turn that an operation's queue serves now: the least priority of those that have one, 0 without any. */
type PresentTurn = (operation: string) => Promise<number>;

/**
 * The turns of tasks that go behind their owner's others. A turn is a job's priority: one more than the owner's last, at
 * least the one that is served now (start-time fair queueing). So each of several owners is served one job per turn,
 * whatever they have submitted.
 */
export class OwnerOrder {
  readonly #presentTurn: PresentTurn;
  readonly #present = new Map<string, { readonly turn: Promise<number>; readonly askedAt: number }>();
  /** The last turn that was given, by operation: of an owner, as long as it has unfinished tasks. */
  readonly #last = new WeakMap<ReadonlySet<string>, Map<string, number>>();

  constructor(presentTurn: PresentTurn) {
    this.#presentTurn = presentTurn;
  }

  /** The priority of another job beside the unfinished ones of its owner; undefined for one that goes straight to the queue. */
  async next(unfinished: ReadonlySet<string>, operation: string): Promise<number | undefined> {
    if (unfinished.size <= NO_TURN_BELOW) {
      this.#last.delete(unfinished);
      return undefined;
    }
    const present = await this.#presentOf(operation);
    const last = this.#last.get(unfinished) ?? new Map<string, number>();
    const turn = Math.min(Math.max(present, last.get(operation) ?? 0) + 1, LAST_TURN);
    this.#last.set(unfinished, last.set(operation, turn));
    return turn;
  }

  #presentOf(operation: string): Promise<number> {
    const now = performance.now();
    const known = this.#present.get(operation);
    if (known !== undefined && now - known.askedAt < PRESENT_FOR_MS) return known.turn;
    const turn = this.#presentTurn(operation);
    this.#present.set(operation, { turn, askedAt: now });
    // What could not be answered is asked again.
    turn.catch(() => this.#present.delete(operation));
    return turn;
  }
}
