import type Database from 'libsql';
import type { Clock } from '../clock.js';
import type { LeaseTimes } from './lease.js';

/** The engines that are open on a store, each with a lease that it renews while it lives. */
export class Instances {
  readonly #clock: Clock;
  readonly #times: LeaseTimes;
  readonly #statements;

  constructor(database: Database.Database, clock: Clock, times: LeaseTimes) {
    this.#clock = clock;
    this.#times = times;
    this.#statements = {
      renew: database.prepare(`
        INSERT INTO instances (instance, has_worker, lease_until) VALUES (?, ?, ?)
        ON CONFLICT (instance) DO UPDATE SET has_worker = excluded.has_worker, lease_until = excluded.lease_until`),
      clamp: database.prepare('UPDATE instances SET lease_until = ? WHERE lease_until > ?'),
      removeLapsed: database.prepare('DELETE FROM instances WHERE lease_until <= ?'),
      remove: database.prepare('DELETE FROM instances WHERE instance = ?'),
    };
  }

  renew(instance: string, hasWorker: boolean): void {
    this.#statements.renew.run([instance, hasWorker ? 1 : 0, this.#clock.now() + this.#times.lapseMs]);
  }

  /** A lease from before the clock was set back would keep a dead process alive for as long as that. */
  clampFuture(): void {
    const { lapseMs, beatMs } = this.#times;
    const now = this.#clock.now();
    this.#statements.clamp.run([now + lapseMs, now + lapseMs + beatMs]);
  }

  removeLapsed(): void {
    this.#statements.removeLapsed.run([this.#clock.now()]);
  }

  remove(instance: string): void {
    this.#statements.remove.run([instance]);
  }
}
