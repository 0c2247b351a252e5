import { CircuitOpenError, TaskNotFoundError } from '../../errors.js';
import { BoundedMap } from '../../pacing/bounded-map.js';
import {
  type DurationHistory,
  type DurationStore,
  parseDurationHistory,
  REMEMBERED_KEYS,
} from '../../pacing/duration-memory.js';
import type { PairProofs } from '../../protocols/protocol.js';
import { sleep } from '../../time/sleep.js';
import type { Outcome, Snapshot, TaskReference, ToolCall } from '../../types.js';
import { classifyFailure } from '../faults/failure.js';
import { decide } from './decide.js';
import { type JournalRecord, keyTaken, outcomeUnknown } from './journal-record.js';
import { JournalStore, type JournalStoreOptions } from './journal-store.js';
import type { ServerIdentity } from './known-server.js';

/** How often a call that another process is starting is looked at, in milliseconds. */
const LOOK_AGAIN_MS = 100;

/** What the journal holds of a call. */
export interface Known {
  readonly entry: JournalEntry;
  /** Missing when the call had no task, or has none yet. */
  readonly reference?: TaskReference | undefined;
  /** How it ended, if it has. */
  readonly outcome?: Outcome | undefined;
}

/** A call on its way to the server. */
export interface PlannedCall {
  readonly call: ToolCall;
  readonly protocol: string;
  readonly idempotencyKey: string | undefined;
  /** Whether the same start may be sent twice without harm. */
  readonly idempotent: boolean;
  readonly signal: AbortSignal;
}

export interface JournalSettings extends JournalStoreOptions {
  readonly identity: () => ServerIdentity;
  readonly acknowledge?: boolean | undefined;
}

/** What one client writes down of its calls, so that any process can go on with them. */
export class Journal {
  readonly #settings: JournalSettings;
  readonly #store: JournalStore;

  constructor(settings: JournalSettings) {
    this.#settings = settings;
    this.#store = new JournalStore(settings);
  }

  /** @throws ConfigurationError when it is required and cannot be opened */
  open(): Promise<void> {
    return this.#store.open();
  }

  /**
   * Writes down that the call is about to be sent, or finds what is known of the call with this key; undefined when the
   * call goes on without the journal.
   * @throws ConfigurationError when the journal is required and cannot be written
   */
  async begin(planned: PlannedCall): Promise<Known | undefined> {
    const { call, protocol, idempotencyKey, idempotent, signal } = planned;
    const identity = this.#settings.identity();
    for (;;) {
      const found = await this.#store.record(
        file => ({
          ...file.claim({ identity, call, protocol, idempotencyKey }),
          argumentsDigest: file.argumentsDigest(call),
        }),
        signal,
      );
      if (found === undefined) return undefined;
      const { record, created, argumentsDigest } = found;
      if (created) return this.#startingOf(record);
      if (record.argumentsDigest !== argumentsDigest) throw keyTaken(record);
      switch (decide(record, { now: Date.now(), repeatable: idempotent })) {
        case 'resume':
        case 'answer':
          return this.#knownOf(record);
        case 'start':
          if (await this.#store.record(file => file.restart(record), signal)) return this.#startingOf(record);
          break;
        case 'wait':
          await sleep(LOOK_AGAIN_MS, signal);
          break;
        case 'unknown':
          throw outcomeUnknown(record);
      }
    }
  }

  /** What is known of a task that is to be resumed; undefined when it is none of this journal. */
  async find(reference: TaskReference): Promise<Known | undefined> {
    await this.#store.open();
    const identity = this.#settings.identity();
    const records = this.#store.read(file => file.findByReference(reference, identity));
    return records?.[0] && this.#knownOf(records[0]);
  }

  /** How long the tasks of each tool took, also of other processes. */
  durations(): DurationStore {
    // Used while the journal rests.
    const memory = new BoundedMap<DurationHistory>(REMEMBERED_KEYS);
    return {
      get: key => parseDurationHistory(this.#store.read(file => file.history(key))) ?? memory.get(key),
      set: (key, history) => {
        memory.set(key, history);
        this.#store.write(file => file.remember(key, history));
      },
    };
  }

  /** Which pairs of tools have proved themselves on this server, also to other processes. */
  proofs(): PairProofs {
    const identity = this.#settings.identity;
    return {
      has: proof => this.#store.read(file => file.isProved(identity(), proof)) === true,
      add: proof => this.#store.write(file => file.prove(identity(), proof)),
      remove: proof => this.#store.write(file => file.disprove(identity(), proof)),
    };
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #startingOf(record: JournalRecord): Known {
    const entry = this.#entryOf(record);
    entry.starting();
    return { entry };
  }

  #knownOf(record: JournalRecord): Known {
    const { reference, outcome } = record;
    return { entry: this.#entryOf(record), reference, outcome };
  }

  #entryOf({ id }: JournalRecord): JournalEntry {
    return new JournalEntry(id, this.#store, this.#settings.acknowledge === true);
  }
}

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
