import { repeat } from '../../time/repeat.js';
import type { DynamodbTable } from './dynamodb-table.js';
import type { TaskKeys } from './task-item.js';

export interface EnginePresenceOptions {
  readonly table: DynamodbTable;
  readonly keys: TaskKeys;
  /** Names this engine in the table. */
  readonly instance: string;
  readonly beatMs: number;
  /** An engine that was silent for so long is gone. */
  readonly goneAfterMs: number;
  /** Called after each beat, unless the last call is still under way: no beat waits for it. */
  readonly onBeat: () => Promise<void>;
}

interface Seen {
  readonly beat: number;
  /** On this process's own clock. */
  at: number;
}

const REMOVED_AFTER_MS = 3_600_000;

/**
 * Tells which engines live. Each counts its beats in one item, and each observes those of all others by its own
 * monotonic clock: no clock of another machine, and no jump of one, takes part.
 */
export class EnginePresence {
  readonly #options: EnginePresenceOptions;
  readonly #seen = new Map<string, Seen>();
  #beat = 0;
  #lookedAt = performance.now();
  #stopRounds = async () => {};
  #maintenance: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: EnginePresenceOptions) {
    this.#options = options;
  }

  /** Makes this engine known before it is named anywhere else. */
  async start(): Promise<void> {
    await this.#tell();
    this.#stopRounds = repeat(() => this.#round(), this.#options.beatMs);
  }

  /** Whether an engine is gone, so that others do what it has begun. */
  async isGone(instance: string): Promise<boolean> {
    const { table, keys, goneAfterMs } = this.#options;
    if (instance === this.#options.instance) return false;
    const seen = this.#seen.get(instance);
    if (seen !== undefined) return performance.now() - seen.at > goneAfterMs;
    // It may have come after the last look.
    const item = await table.get(keys.engine(instance));
    if (item === undefined) return true;
    this.#see(instance, Number(item.beat));
    return false;
  }

  /** Resolves when nothing is under way any more; the engine is no longer known then. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#stopRounds();
    await this.#maintenance;
    await this.#options.table.remove(this.#options.keys.engine(this.#options.instance));
  }

  async #round(): Promise<void> {
    await Promise.all([this.#tell(), this.#look()]);
    if (this.#isStopped) return;
    this.#maintenance ??= this.#options
      .onBeat()
      .catch(() => {})
      .finally(() => {
        this.#maintenance = undefined;
      });
  }

  async #tell(): Promise<void> {
    const { table, keys, instance } = this.#options;
    this.#beat++;
    const removeAt = Math.ceil((Date.now() + REMOVED_AFTER_MS) / 1000);
    await table.put({ fields: { ...keys.engine(instance), beat: this.#beat, removeAt } });
  }

  async #look(): Promise<void> {
    const { table, keys, beatMs, goneAfterMs } = this.#options;
    const beats = new Map<string, number>();
    for await (const page of table.pages({ keys: '#pk = :pk', values: { pk: keys.engines } }))
      for (const { sk, beat } of page) beats.set(String(sk), Number(beat));
    const now = performance.now();
    // Who was away itself has not seen the others live.
    const wasAway = now - this.#lookedAt > beatMs + goneAfterMs / 2;
    this.#lookedAt = now;
    for (const [instance, seen] of this.#seen) {
      if (!beats.has(instance)) this.#seen.delete(instance);
      else if (wasAway) seen.at = now;
    }
    for (const [instance, beat] of beats) this.#see(instance, beat);
  }

  #see(instance: string, beat: number): void {
    if (this.#seen.get(instance)?.beat !== beat) this.#seen.set(instance, { beat, at: performance.now() });
  }
}
