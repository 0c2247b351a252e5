import { startTimer } from '../../time/sleep.js';
import type { TaskRecord } from '../task-record.js';
import type { GroupCommit } from './group-commit.js';
import type { StoreFile } from './store-file.js';
import type { TaskTable } from './task-table.js';
import type { WorkerLeases } from './worker-leases.js';

/** What the parts of one engine share. */
export interface StoreParts {
  readonly table: TaskTable;
  readonly commits: GroupCommit;
  readonly leases: WorkerLeases;
  /** Names the engine in the store, and its worker. */
  readonly instance: string;
  /** Milliseconds between two renewals of the lease. */
  readonly beatMs: number;
}

export interface StoreMaintenanceContext extends StoreParts {
  readonly file: StoreFile;
  /** The tasks that this engine's worker has. */
  readonly running: () => readonly string[];
  readonly onLost: (record: TaskRecord) => void;
  /** Called after each beat: what time alone has changed, nobody announces. */
  readonly onBeat: () => void;
}

const SWEEP_BATCH = 500;
const SWEEP_AGAIN_MS = 100;

/** What every open engine does for the whole store: it ends lost tasks and removes expired ones. Answers what stops it. */
export function startMaintenance(context: StoreMaintenanceContext): () => void {
  const { table, commits, leases, file, instance, beatMs, running, onLost, onBeat } = context;
  let isStopped = false;
  let stopTimer = () => {};

  async function beat(): Promise<void> {
    let removed = 0;
    try {
      const lost = await commits.write(() => {
        leases.removeGone();
        removed = table.removeExpired(SWEEP_BATCH);
        return table.endLost(instance, running());
      });
      for (const record of lost) onLost(record);
    } catch {
      // Tried again at the next beat: a full disk or a long lock may be gone by then.
    }
    if (isStopped) return;
    tryTo(() => file.check());
    const nextMs = removed < SWEEP_BATCH ? beatMs : Math.min(SWEEP_AGAIN_MS, beatMs);
    stopTimer = startTimer(nextMs, () => void beat(), { unref: true });
    onBeat();
  }

  void beat();
  return () => {
    isStopped = true;
    stopTimer();
  };
}

/** For what the next beat does again: a full disk or a long lock may be gone by then, and a lease outlives several beats. */
export function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // Tried again at the next beat.
  }
}
