import { BoundedMap } from '../../pacing/bounded-map.js';
import {
  type DurationHistory,
  type DurationStore,
  parseDurationHistory,
  REMEMBERED_KEYS,
} from '../../pacing/duration-memory.js';
import type { PairProofs } from '../../protocols/protocol.js';
import { sleep } from '../../time/sleep.js';
import type { Outcome, TaskReference, ToolCall } from '../../types.js';
import { decide } from './decide.js';
import { JournalEntry } from './journal-entry.js';
import type { JournalRecord } from './journal-record.js';
import { keyTaken, outcomeUnknown } from './journal-record.js';
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
