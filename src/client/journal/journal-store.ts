import { join } from 'node:path';
import { ConfigurationError } from '../../errors.js';
import { stateFolder } from '../../storage/state-folder.js';
import { startTimer } from '../../time/sleep.js';
import type { JournalFile } from './journal-file.js';
import { journalLimits } from './journal-limits.js';
import type { JournalOptions } from './options.js';

/** How long calls go on without a journal that has failed. */
const REST_MS = 60_000;

export type JournalStoreOptions = Pick<JournalOptions, 'file' | 'required'> & {
  /** Called when the journal fails; it then rests for a minute. */
  readonly onFailure: (error: unknown) => void;
};

export function defaultJournalFile(environment: Readonly<Record<string, string | undefined>>): string {
  return join(stateFolder(environment), 'journal.db');
}

/** The journal of one client: opened at first need, and never the reason why a call fails that was begun. */
export class JournalStore {
  readonly #options: JournalStoreOptions;
  readonly #claims = new Set<string>();
  readonly #undelivered = new Set<() => void>();
  #opening: Promise<JournalFile | undefined> | undefined;
  #file: JournalFile | undefined;
  #restsUntil = 0;
  #stopHolding: (() => void) | undefined;
  #closed = false;

  constructor(options: JournalStoreOptions) {
    this.#options = options;
  }

  /** Settles once the file is open, or calls go on without. @throws ConfigurationError when it is required and cannot be opened */
  async open(): Promise<void> {
    if (this.#file !== undefined || this.#closed || this.#rests) return;
    this.#opening ??= this.#load().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  /** What `work` returns; undefined when the journal is closed, rests or fails. */
  attempt<Result>(work: (file: JournalFile) => Result): Result | undefined {
    if (this.#file === undefined || this.#rests) return undefined;
    try {
      return work(this.#file);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /** Tells other processes, until it is let go, that this one is about to know more of a call. */
  holdClaim(id: string): void {
    this.#claims.add(id);
    this.#stopHolding ??= this.#holdOn();
  }

  letGo(id: string): void {
    this.#claims.delete(id);
    if (this.#claims.size > 0) return;
    this.#stopHolding?.();
    this.#stopHolding = undefined;
  }

  /** Does it when whoever waits for the result has it, and at the latest when the journal is closed. */
  afterHandingOver(deliver: () => void): void {
    const now = () => {
      if (this.#undelivered.delete(now)) deliver();
    };
    this.#undelivered.add(now);
    // What awaits the result runs before this.
    setImmediate(now);
  }

  close(): void {
    for (const deliver of this.#undelivered) deliver();
    if (this.#claims.size > 0) this.attempt(file => file.holdClaims([...this.#claims], 0));
    for (const id of this.#claims) this.letGo(id);
    this.#closed = true;
    this.#file?.close();
    this.#file = undefined;
  }

  get #rests(): boolean {
    return performance.now() < this.#restsUntil;
  }

  async #load(): Promise<JournalFile | undefined> {
    try {
      // The library loads no database driver unless there is a journal.
      const { JournalFile } = await import('./journal-file.js');
      if (this.#closed) return undefined;
      this.#file = new JournalFile(this.#options.file ?? defaultJournalFile(process.env));
      return this.#file;
    } catch (error) {
      if (this.#options.required !== false && error instanceof ConfigurationError) throw error;
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    this.#restsUntil = performance.now() + REST_MS;
    this.#options.onFailure(error);
  }

  #holdOn(): () => void {
    const hold = () => {
      this.attempt(file => file.holdClaims([...this.#claims]));
      this.#stopHolding = this.#holdOn();
    };
    return startTimer(journalLimits.claimMs / 3, hold, { unref: true });
  }
}
