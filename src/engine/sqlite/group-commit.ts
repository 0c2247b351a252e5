import type { Database } from '../../storage/driver.js';
import { isLocked, LOCK_PATIENCE_MS, LOCK_RETRY_MS } from '../../storage/file-lock.js';
import { inTransaction } from '../../storage/statement.js';
import { ChangeNotice } from '../../time/change-notice.js';
import { startTimer } from '../../time/sleep.js';

interface Write {
  /** Answers what tells the caller of its success. */
  readonly run: () => () => void;
  readonly reject: (reason: unknown) => void;
  readonly askedAt: number;
}

/**
 * Puts all writes of one turn of the event loop into one transaction: what costs is to sync the disk at its end, and
 * one sync serves all. Each caller has its answer after that. While another process holds the write lock, they wait in
 * their order, and the event loop goes on.
 */
export class GroupCommit {
  readonly #database: Database;
  #waiting: Write[] = [];
  #isPlanned = false;
  readonly #idle = new ChangeNotice();

  constructor(database: Database) {
    this.#database = database;
  }

  write<Value>(work: () => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      const run = () => {
        const value = work();
        return () => resolve(value);
      };
      this.#waiting.push({ run, reject, askedAt: performance.now() });
      if (this.#isPlanned) return;
      this.#isPlanned = true;
      setImmediate(() => this.#flush());
    });
  }

  /** Resolves once nothing waits to be written. */
  async settled(): Promise<void> {
    if (this.#waiting.length > 0) await this.#idle.next;
  }

  #flush(): void {
    const writes = this.#waiting;
    this.#waiting = [];
    try {
      const settled = inTransaction(this.#database, () => writes.map(write => this.#runOne(write)));
      for (const settle of settled) settle();
    } catch (error) {
      const now = performance.now();
      const mayWait = ({ askedAt }: Write) => isLocked(error) && now - askedAt < LOCK_PATIENCE_MS;
      this.#waiting.unshift(...writes.filter(mayWait));
      for (const write of writes) if (!mayWait(write)) write.reject(error);
    }
    this.#isPlanned = this.#waiting.length > 0;
    if (this.#isPlanned) startTimer(LOCK_RETRY_MS, () => this.#flush());
    else this.#idle.announce();
  }

  /** What one write is refused leaves the others as they are. */
  #runOne({ run, reject }: Write): () => void {
    this.#database.exec('SAVEPOINT one_write');
    try {
      const settle = run();
      this.#database.exec('RELEASE one_write');
      return settle;
    } catch (error) {
      // A full disk has ended the whole transaction.
      if (!this.#database.inTransaction) throw error;
      this.#database.exec('ROLLBACK TO one_write; RELEASE one_write');
      return () => reject(error);
    }
  }
}
