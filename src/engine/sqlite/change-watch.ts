import type { Database } from '../../storage/driver.js';
import { prepareQuery } from '../../storage/statement.js';
import { startTimer } from '../../time/sleep.js';

/** While somebody waits for a change: how often other processes' writes are looked for. */
const EAGER_MS = 20;
/** While only an idle worker listens for new tasks. */
const RELAXED_MS = 100;

export type Attention = 'none' | 'relaxed' | 'eager';

/**
 * Notices that another connection has written to the database: `PRAGMA data_version` changes then, and costs a few
 * microseconds to read (SQLite documentation, "PRAGMA data_version").
 */
export class ChangeWatch {
  readonly #readVersion: () => number | undefined;
  readonly #onChange: () => void;
  #attention: Attention = 'none';
  #version: number | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(database: Database, onChange: () => void) {
    const query = prepareQuery<{ data_version: number }>(database, 'PRAGMA data_version');
    this.#readVersion = () => {
      try {
        return query({})?.data_version;
      } catch {
        // A file that cannot be read just now counts as changed once it can.
        return undefined;
      }
    };
    this.#onChange = onChange;
  }

  /** Looks as often as the attention asks for; only an eager watch keeps the process alive. */
  pay(attention: Attention): void {
    if (attention === this.#attention) return;
    if (this.#attention === 'none') this.#version = this.#readVersion();
    this.#attention = attention;
    this.#stopTimer?.();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#attention === 'none') return;
    const eager = this.#attention === 'eager';
    this.#stopTimer = startTimer(eager ? EAGER_MS : RELAXED_MS, () => this.#look(), { unref: !eager });
  }

  #look(): void {
    const version = this.#readVersion();
    this.#schedule();
    if (version === this.#version) return;
    this.#version = version;
    this.#onChange();
  }
}
