import { createHash } from 'node:crypto';
import type { JournalFile } from '../client/journal/journal-file.js';
import type { JournalRecord } from '../client/journal/journal-record.js';
import { whenUnlocked } from '../storage/file-lock.js';

const MARK = 'mcp-await-proxy';

/** The beginning of the keys of one caller's calls of one upstream. It goes to that upstream, and tells it nothing. */
export function keyScope(principal: string, upstreamId: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([principal, upstreamId]))
    .digest('base64url');
  return `${MARK}:${digest.slice(0, 16)}:`;
}

/** What this machine's journal holds of the calls that proxies have made. */
export class ProxyJournal {
  readonly #file: string;
  readonly #onFailure: (error: unknown) => void;
  #open: Promise<JournalFile> | undefined;

  /** @param onFailure told when the journal cannot be used; calls go on without it */
  constructor(file: string, onFailure: (error: unknown) => void) {
    this.#file = file;
    this.#onFailure = onFailure;
  }

  async find(key: string): Promise<JournalRecord | undefined> {
    return (await this.#records(key)).find(({ idempotencyKey }) => idempotencyKey === key);
  }

  /** The calls of one scope whose end nobody has had, the oldest first. */
  async undelivered(scope: string): Promise<readonly JournalRecord[]> {
    return (await this.#records(scope)).filter(({ state }) => state !== 'delivered');
  }

  /** The host has the result. */
  async deliver(id: string): Promise<void> {
    await this.#use(journal => journal.deliver(id));
  }

  async close(): Promise<void> {
    (await this.#open?.catch(() => undefined))?.close();
    this.#open = undefined;
  }

  async #records(keyPrefix: string): Promise<readonly JournalRecord[]> {
    return (await this.#use(journal => journal.findByKeyPrefix(keyPrefix))) ?? [];
  }

  async #use<Result>(work: (journal: JournalFile) => Result): Promise<Result | undefined> {
    try {
      this.#open ??= this.#load();
      let journal = await this.#open;
      if (!journal.isInPlace()) {
        await this.close();
        this.#open = this.#load();
        journal = await this.#open;
      }
      return await whenUnlocked(() => work(journal));
    } catch (error) {
      this.#onFailure(error);
      return undefined;
    }
  }

  async #load(): Promise<JournalFile> {
    try {
      const { JournalFile } = await import('../client/journal/journal-file.js');
      return await whenUnlocked(() => new JournalFile(this.#file));
    } catch (error) {
      this.#open = undefined;
      throw error;
    }
  }
}
