import type Database from 'libsql';
import { inTransaction } from '../../storage/statement.js';

interface Write {
  /** Answers what tells the caller of its success. */
  readonly run: () => () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Puts all writes of one turn of the event loop into one transaction: what costs is to sync the disk at its end, and
 * one sync serves all. Each caller has its answer after that.
 */
export class GroupCommit {
  readonly #database: Database.Database;
  #waiting: Write[] = [];

  constructor(database: Database.Database) {
    this.#database = database;
  }

  write<Value>(work: () => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.flush());
      const run = () => {
        const value = work();
        return () => resolve(value);
      };
      this.#waiting.push({ run, reject });
    });
  }

  /** Writes at once what waits. */
  flush(): void {
    const writes = this.#waiting;
    if (writes.length === 0) return;
    this.#waiting = [];
    try {
      const settled = inTransaction(this.#database, () => writes.map(write => this.#runOne(write)));
      for (const settle of settled) settle();
    } catch (error) {
      for (const { reject } of writes) reject(error);
    }
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
