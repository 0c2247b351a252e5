import { CircuitOpenError, TaskNotFoundError } from '../../errors.js';
import type { Outcome, Snapshot, TaskReference } from '../../types.js';
import { classifyFailure } from '../faults/failure.js';
import type { JournalStore } from './journal-store.js';

/** Least time between two notes about a task that is running, in milliseconds. */
const NOTE_INTERVAL_MS = 1000;

/** One call's row: each change of the call is written there before it is reported. */
export class JournalEntry {
  readonly id: string;
  readonly #store: JournalStore;
  readonly #acknowledged: boolean;
  /** What the row says. */
  #noted: Pick<Snapshot, 'status' | 'message'> = { status: 'working' };
  #notedAt = Number.NEGATIVE_INFINITY;

  /** @param acknowledged whether only `acknowledge` counts as delivery */
  constructor(id: string, store: JournalStore, acknowledged: boolean) {
    this.id = id;
    this.#store = store;
    this.#acknowledged = acknowledged;
  }

  /** The call is about to be sent. */
  starting(): void {
    this.#store.holdClaim(this.id);
  }

  accepted(reference: TaskReference): void {
    this.#store.write(file => file.accept(this.id, reference));
    this.#store.letGo(this.id);
  }

  running({ status, message: told, notices = [] }: Pick<Snapshot, 'status' | 'message' | 'notices'>): void {
    const now = performance.now();
    const message = [...notices, told].filter(Boolean).join(' ') || undefined;
    if (status === this.#noted.status) {
      if (message === this.#noted.message || now < this.#notedAt + NOTE_INTERVAL_MS) return;
    }
    [this.#noted, this.#notedAt] = [{ status, ...(message !== undefined && { message }) }, now];
    this.#store.write(file => file.note(this.id, this.#noted));
  }

  ended(outcome: Outcome): void {
    this.#store.write(file => file.end(this.id, outcome));
    this.#store.letGo(this.id);
  }

  /** The start failed. A start that the server refused or never received has no effect; the effect of any other is unknown. */
  startFailed(error: unknown, aborted: boolean): void {
    this.#store.letGo(this.id);
    const failure = classifyFailure(error);
    const isUnsent = failure === 'unsent' || error instanceof CircuitOpenError;
    const isUndone = !aborted && (failure === 'answered' || isUnsent);
    this.#store.write(file => (isUndone ? file.removeUnstarted(this.id) : file.holdClaims([this.id], 0)));
  }

  /** The wait failed. */
  waitFailed(error: unknown): void {
    if (error instanceof TaskNotFoundError) this.#store.write(file => file.lose(this.id, error.message));
  }

  /** The result is being handed to its caller. */
  handedOver(): void {
    if (!this.#acknowledged) this.#store.afterHandingOver(() => this.acknowledge());
  }

  /** The caller has the result. */
  acknowledge(): void {
    this.#store.write(file => file.deliver(this.id));
  }
}
