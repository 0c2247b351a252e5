import type { Database } from '../../storage/driver.js';
import { prepareCommand } from '../../storage/statement.js';
import type { Clock } from '../clock.js';

/** Times of a lease, in milliseconds, such that a dead worker is noticed within `leaseMs` of its death. */
export interface LeaseTimes {
  /** Between two heartbeats, and two looks at the heartbeats of others. */
  readonly beatMs: number;
  /** How long a heartbeat counts. */
  readonly lapseMs: number;
  /** How long a worker whose heartbeat no longer counts may still renew it, before it is given up. */
  readonly graceMs: number;
}

/** A lapse, the beat that sees it, the grace and the beat that ends it are nine tenths of `leaseMs`. */
export function leaseTimes(leaseMs: number): LeaseTimes {
  return {
    beatMs: Math.ceil(leaseMs / 10),
    lapseMs: Math.ceil(leaseMs / 2),
    graceMs: Math.ceil(leaseMs / 5),
  };
}

/** Both clocks, read together. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export function momentOf(clock: Clock): Moment {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/**
 * How far the wall clock moved beyond the time that has really passed, in milliseconds: positive when it was set
 * forward or the machine slept, negative when it was set back.
 */
export function clockJumpMs(earlier: Moment, later: Moment): number {
  return later.wall - earlier.wall - (later.monotonic - earlier.monotonic);
}

/**
 * One row per living worker, whatever the number of its tasks. A worker that lets its lease lapse is suspected first,
 * and given up only if it stays silent: after a jump of the clock, or when the machine has slept, every lease looks
 * lapsed at once. The suspicion is in the row, so that processes too short-lived to wait add up to one observer.
 */
export class WorkerLeases {
  readonly #clock: Clock;
  readonly #times: LeaseTimes;
  readonly #statements;
  #last: Moment;
  #ownUntil = Number.NEGATIVE_INFINITY;

  constructor(database: Database, clock: Clock, times: LeaseTimes) {
    this.#clock = clock;
    this.#times = times;
    this.#statements = prepareStatements(database);
    this.#last = momentOf(clock);
  }

  renew(worker: string, takesTasks: boolean): void {
    const until = this.#clock.now() + this.#times.lapseMs;
    this.#statements.renew({ worker, takesTasks: takesTasks ? 1 : 0, until });
    this.#ownUntil = until;
  }

  /** Whether this process's own lease has lapsed, so that others may have given its worker up. */
  get hasLapsed(): boolean {
    return this.#ownUntil <= this.#clock.now();
  }

  /** Removes the workers that are gone; call it at every beat. */
  removeGone(): void {
    const { beatMs, lapseMs, graceMs } = this.#times;
    const moment = momentOf(this.#clock);
    const now = moment.wall;
    const jumped = Math.abs(clockJumpMs(this.#last, moment)) > beatMs;
    this.#last = moment;
    // Set back, the clock would leave a dead worker alive for as long as that.
    this.#statements.clamp({ latest: now + lapseMs, absurd: now + lapseMs + beatMs });
    if (jumped) this.#statements.forgive({});
    this.#statements.suspect({ now });
    this.#statements.giveUp({ now, suspectedBy: now - graceMs });
  }

  remove(worker: string): void {
    this.#statements.remove({ worker });
  }
}

function prepareStatements(database: Database) {
  const command = (sql: string) => prepareCommand(database, sql);
  return {
    renew: command(`
      INSERT INTO workers (worker, takes_tasks, lease_until) VALUES (:worker, :takesTasks, :until)
      ON CONFLICT (worker) DO UPDATE
      SET takes_tasks = excluded.takes_tasks, lease_until = excluded.lease_until, suspected_at = NULL`),
    clamp: command('UPDATE workers SET lease_until = :latest WHERE lease_until > :absurd'),
    forgive: command('UPDATE workers SET suspected_at = NULL WHERE suspected_at IS NOT NULL'),
    suspect: command(`
      UPDATE workers SET suspected_at = :now
      WHERE lease_until <= :now AND (suspected_at IS NULL OR suspected_at > :now)`),
    giveUp: command('DELETE FROM workers WHERE lease_until <= :now AND suspected_at <= :suspectedBy'),
    remove: command('DELETE FROM workers WHERE worker = :worker'),
  };
}
