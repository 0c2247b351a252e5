/** Times of BullMQ's locks, in milliseconds, such that a dead worker is noticed within `leaseMs` of its death. */
export interface LockTimes {
  /** How long a lock lasts that nobody renews. */
  readonly lockDurationMs: number;
  /** Between two renewals. */
  readonly renewIntervalMs: number;
  /** Between two looks for jobs whose lock has lapsed. A job is marked by one look and moved by a later one. */
  readonly checkIntervalMs: number;
}

/** A lapse and the two looks that it takes are nine tenths of `leaseMs` at most. */
export function lockTimes(leaseMs: number): LockTimes {
  return {
    lockDurationMs: Math.ceil(leaseMs / 2),
    renewIntervalMs: Math.ceil(leaseMs / 8),
    checkIntervalMs: Math.ceil(leaseMs / 5),
  };
}
