import { sleep } from '../time/sleep.js';
import { openDatabaseFile } from './database.js';
import { isLocked } from './file-lock.js';

/** Between two tries for a lock that a process may hold for minutes. */
const RETRY_MS = 100;
/** A wait that is shorter is told to nobody. */
const NOTICE_AFTER_MS = 1000;

export interface ProcessLockOptions {
  /** Ends the wait for the lock. */
  readonly signal: AbortSignal;
  /** Called once where another process holds the lock for longer than a moment. */
  readonly onWait: () => void;
}

/**
 * Runs `work` while no other process runs work on the same file. The operating system holds the lock, so that it ends with
 * the process that has it, however that ends.
 * @throws what `work` throws; the signal's reason; ConfigurationError when the file cannot be opened
 */
export async function underProcessLock<Result>(
  file: string,
  work: () => Promise<Result>,
  { signal, onWait }: ProcessLockOptions,
): Promise<Result> {
  const startedAt = performance.now();
  let isTold = false;
  for (;;) {
    signal.throwIfAborted();
    const release = takeLock(file);
    if (release !== undefined) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    if (!isTold && performance.now() - startedAt >= NOTICE_AFTER_MS) {
      isTold = true;
      onWait();
    }
    await sleep(RETRY_MS, signal);
  }
}

/** @returns what gives the lock back; undefined where another process has it */
function takeLock(file: string): (() => void) | undefined {
  try {
    const database = openDatabaseFile(file, {
      noun: 'lock file',
      elsewhere: 'name another state folder with MCP_AWAIT_HOME',
      migrations: [],
      synchronous: 'NORMAL',
    });
    try {
      database.exec('BEGIN IMMEDIATE');
    } catch (error) {
      database.close();
      throw error;
    }
    return () => {
      database.exec('ROLLBACK');
      database.close();
    };
  } catch (error) {
    if (isLocked(error)) return undefined;
    throw error;
  }
}
