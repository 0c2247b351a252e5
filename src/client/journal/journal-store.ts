import { join } from 'node:path';
import { ConfigurationError } from '../../errors.js';
import { reasonOf } from '../../storage/failure-reason.js';
import { isLocked, whenUnlocked } from '../../storage/file-lock.js';
import { stateFolder } from '../../storage/state-folder.js';
import { repeat } from '../../time/repeat.js';
import type { JournalFile } from './journal-file.js';
import { type JournalOptions, journalLimits } from './options.js';

/** How long calls go on without the journal after it has failed. */
const REST_MS = 60_000;

export type JournalStoreOptions = Pick<JournalOptions, 'file' | 'required'> & {
  /** Called when the journal fails; it then rests for a minute. */
  readonly onFailure: (error: unknown) => void;
};

export function defaultJournalFile(environment: Readonly<Record<string, string | undefined>>): string {
  return join(stateFolder(environment), 'journal.db');
}

/** For messages. */
const ELSEWHERE = 'name another journal (`journal: { file }`, MCP_AWAIT_HOME)';
const WAY_OUT =
  'No call is sent without the journal, unless it need not be written (`journal: { required: false }`, --no-journal).';

type Work<Result> = (file: JournalFile) => Result;

/** The journal of one client: opened at first need, and never the reason why a call fails that was begun. */
export class JournalStore {
  readonly #options: JournalStoreOptions;
  readonly #claims = new Set<string>();
  readonly #undelivered = new Set<() => void>();
  #opening: Promise<void> | undefined;
  #file: JournalFile | undefined;
  /** The writes that wait for another process's lock, in order. */
  readonly #waiting: Work<unknown>[] = [];
  #catchingUp: Promise<void> = Promise.resolve();
  #restsUntil = 0;
  #stopHolding: (() => Promise<void>) | undefined;
  #closed = false;

  constructor(options: JournalStoreOptions) {
    this.#options = options;
  }

  /** Settles once the file is open, or calls go on without. @throws ConfigurationError when it is required and cannot be opened */
  async open(): Promise<void> {
    if (this.#file?.isInPlace() === false) this.#closeFile();
    if (this.#file !== undefined || this.#closed || (this.#rests && !this.#isRequired)) return;
    this.#opening ??= this.#load().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  /**
   * What `work` returns, once no other process holds the lock; undefined when calls go on without the journal.
   * @throws ConfigurationError when it is required and cannot be used; the signal's reason when it aborts
   */
  async record<Result>(work: Work<Result>, signal: AbortSignal): Promise<Result | undefined> {
    await this.open();
    // A call whose wait has ended is not sent.
    signal.throwIfAborted();
    const file = this.#file;
    if (file === undefined || (this.#rests && !this.#isRequired)) return undefined;
    try {
      const result = await whenUnlocked(() => work(file), signal);
      this.#restsUntil = 0;
      return result;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#isRequired) throw this.#unusable(error);
      this.#failed(error);
      return undefined;
    }
  }

  /** What `work` reads; undefined when the journal is closed, rests or fails. */
  read<Result>(work: Work<Result>): Result | undefined {
    if (this.#file === undefined || this.#rests) return undefined;
    try {
      return work(this.#file);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /** Writes what has become of a call: at once, or as soon as another process's lock allows. */
  write(work: Work<unknown>): void {
    if (this.#file === undefined || this.#rests) return;
    if (this.#waiting.length === 0) {
      try {
        work(this.#file);
        return;
      } catch (error) {
        if (!isLocked(error)) {
          this.#failed(error);
          return;
        }
      }
    }
    if (this.#waiting.push(work) === 1) this.#catchingUp = this.#catchUp();
  }

  /** Keeps the claim on a call until `letGo`, so that other processes wait for what this one finds out. */
  holdClaim(id: string): void {
    this.#claims.add(id);
    this.#stopHolding ??= repeat(() => this.#holdOn(), journalLimits.claimMs / 3);
  }

  letGo(id: string): void {
    this.#claims.delete(id);
    if (this.#claims.size > 0) return;
    void this.#stopHolding?.();
    this.#stopHolding = undefined;
  }

  /** Runs `deliver` after the caller has the result, and at the latest when the journal is closed. */
  afterHandingOver(deliver: () => void): void {
    const now = () => {
      if (this.#undelivered.delete(now)) deliver();
    };
    this.#undelivered.add(now);
    // Code that awaits the result runs before this callback.
    setImmediate(now);
  }

  async close(): Promise<void> {
    for (const deliver of this.#undelivered) deliver();
    const claims = [...this.#claims];
    if (claims.length > 0) this.write(file => file.holdClaims(claims, 0));
    for (const id of claims) this.letGo(id);
    this.#closed = true;
    await this.#catchingUp;
    this.#closeFile();
  }

  get #isRequired(): boolean {
    return this.#options.required !== false;
  }

  get #rests(): boolean {
    return performance.now() < this.#restsUntil;
  }

  async #load(): Promise<void> {
    try {
      // The library loads no database driver unless there is a journal.
      const { JournalFile } = await import('./journal-file.js');
      const file = this.#options.file ?? defaultJournalFile(process.env);
      const opened = await whenUnlocked(() => new JournalFile(file));
      if (this.#closed) opened.close();
      else this.#file = opened;
    } catch (error) {
      if (this.#isRequired) throw this.#unusable(error);
      this.#failed(error);
    }
  }

  async #catchUp(): Promise<void> {
    try {
      for (let work = this.#waiting[0]; work !== undefined; work = this.#waiting[0]) {
        const file = this.#file;
        if (file === undefined) return;
        await whenUnlocked(() => work?.(file));
        this.#waiting.shift();
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#waiting.length = 0;
    }
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #unusable(cause: unknown): ConfigurationError {
    const file = this.#options.file ?? defaultJournalFile(process.env);
    // A file that cannot be opened says itself which it is, and why.
    const problem =
      cause instanceof ConfigurationError
        ? cause.message
        : `The journal ${file} cannot be written: ${reasonOf(cause, ELSEWHERE)}`;
    return new ConfigurationError(`${problem} ${WAY_OUT}`, { cause });
  }

  #failed(error: unknown): void {
    this.#restsUntil = performance.now() + REST_MS;
    this.#options.onFailure(error);
  }

  async #holdOn(): Promise<void> {
    const claims = [...this.#claims];
    this.write(file => file.holdClaims(claims));
  }
}
