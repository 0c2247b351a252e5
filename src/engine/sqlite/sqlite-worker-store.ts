import { Alarm } from '../../time/sleep.js';
import type { Progress } from '../../types.js';
import type { QuestionStore } from '../run-questions.js';
import type { TaskRecord } from '../task-record.js';
import type { Claimed, RunEnding, TaskSource, Wanted, WorkerStore } from '../worker-store.js';
import { type StoreParts, tryTo } from './store-maintenance.js';
import type { Run } from './task-statements.js';
import type { Claim } from './task-table.js';

export interface SqliteWorkerStoreContext extends StoreParts {
  /** Told of a task that has failed since its row cannot be read. */
  readonly onInvalid: (record: TaskRecord) => void;
  /** Called after the progress of a task was stored. */
  readonly onProgress: (taskRef: string) => void;
}

/** Between two turns of the event loop, callers get their answers. */
const CLAIMS_PER_TURN = 32;
/** A delayed task that is due later is no reason to stay: the next server runs it. */
const SOON_DUE_MS = 30_000;

/** The tasks of a SQLite file as the worker of one engine sees them. */
export class SqliteWorkerStore implements WorkerStore<Run>, TaskSource<Run> {
  readonly batchSize = CLAIMS_PER_TURN;
  readonly answerRecheckMs = 60_000;
  readonly extendIntervalMs: number;
  readonly #context: SqliteWorkerStoreContext;
  readonly #work = new Alarm();
  #operations: readonly string[] = [];
  #wanted: Wanted | undefined;
  #takesTasks = true;
  /** Claimed, and about to be started. */
  #claimed: readonly string[] = [];

  constructor(context: SqliteWorkerStoreContext) {
    this.#context = context;
    this.extendIntervalMs = context.beatMs;
  }

  /** Tasks that are claimed, and not yet among the worker's. */
  get claimed(): readonly string[] {
    return this.#claimed;
  }

  /** For a task that may have come, or a place that may be free. */
  ring(): void {
    this.#work.ring();
  }

  open(operations: readonly string[]): readonly TaskSource<Run>[] {
    this.#operations = operations;
    tryTo(() => this.#renewLease());
    return [this];
  }

  async leave(): Promise<void> {
    this.#takesTasks = false;
    tryTo(() => this.#renewLease());
  }

  async owes(): Promise<boolean> {
    return this.#context.table.hasWork(this.#claim({ ownOnly: true }), SOON_DUE_MS);
  }

  async claim(wanted: Wanted): Promise<readonly Claimed<Run>[]> {
    const { table, commits, leases, instance: worker, onInvalid } = this.#context;
    this.#wanted = wanted;
    // Looking first keeps a worker with nothing to do from asking for the write lock.
    if (!table.hasWork(this.#claim(wanted))) return [];
    const invalid: TaskRecord[] = [];
    try {
      const tasks = await commits.write(() => {
        if (leases.hasLapsed) this.#renewLease();
        const claimed = table.claim(this.#claim(wanted), wanted.limit, invalid);
        this.#claimed = claimed.map(({ record }) => record.taskRef);
        return claimed;
      });
      return tasks.map(task => {
        const { taskRef, runCount } = task.record;
        return { ...task, run: { taskRef, runCount, worker } };
      });
    } finally {
      for (const record of invalid) onInvalid(record);
      setImmediate(() => {
        this.#claimed = [];
      });
    }
  }

  /** That a delayed task is due, nobody announces. */
  async untilWork(signal: AbortSignal): Promise<void> {
    let dueInMs: number | undefined;
    try {
      const claim = this.#claim(this.#wanted);
      dueInMs = this.#context.table.nextDueInMs(claim);
      // Looked at last: a task may have come due meanwhile.
      if (this.#context.table.hasWork(claim)) return;
    } catch {
      // A long lock or a damaged file: the next change or beat rings.
    }
    await this.#work.sleep(dueInMs ?? Number.POSITIVE_INFINITY, signal, { unref: true }).catch(() => {});
  }

  async extend(runs: readonly Run[]): Promise<readonly Run[]> {
    return this.#context.commits.write(() => {
      this.#renewLease();
      return runs.filter(run => !this.#context.table.isRunning(run));
    });
  }

  async progress(run: Run, progress: Progress): Promise<void> {
    const { table, commits, onProgress } = this.#context;
    await commits.write(() => table.reportProgress(run, progress));
    onProgress(run.taskRef);
  }

  questions(run: Run): QuestionStore {
    return this.#context.table.questions.ofRun(run, this.#context.commits);
  }

  async end(run: Run, { end, progress }: RunEnding): Promise<undefined> {
    await this.#context.commits.write(() => this.#context.table.end(run, end, progress));
  }

  async handBack(run: Run): Promise<TaskRecord | undefined> {
    return this.#context.commits.write(() => this.#context.table.stop(run));
  }

  #renewLease(): void {
    this.#context.leases.renew(this.#context.instance, this.#takesTasks);
  }

  #claim({ ownOnly = false, fullOwners }: Partial<Wanted> = {}): Claim {
    return { worker: this.#context.instance, operations: this.#operations, ownOnly, fullOwners };
  }
}
