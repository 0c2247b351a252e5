import { sleep } from '../time/sleep.js';

/** How long a write waits for another process's lock. */
export const LOCK_PATIENCE_MS = 5000;
/** How long one statement waits for it inside SQLite, which blocks the event loop. */
export const BLOCKED_MS = 10;
/** Between two tries. */
export const LOCK_RETRY_MS = 20;

/** Whether another process holds the lock that the database needed; nothing was changed. */
export function isLocked(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && /^SQLITE_BUSY/.test(String(error.code))) return true;
  return error.cause !== undefined && isLocked(error.cause);
}

/**
 * What `work` returns, as soon as no other process holds the lock that it needs; the event loop goes on meanwhile.
 * @throws what `work` throws; the signal's reason when it aborts
 */
export async function whenUnlocked<Result>(work: () => Result, signal?: AbortSignal): Promise<Result> {
  const deadline = performance.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isLocked(error) || performance.now() >= deadline) throw error;
      await sleep(LOCK_RETRY_MS, signal);
    }
  }
}
