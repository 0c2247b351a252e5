import { ChangeNotice } from '../../time/change-notice.js';
import { sleep } from '../../time/sleep.js';
import type { EngineWorker, Execution, WorkerOptions } from '../engine.js';
import { ProgressWriter } from './progress-writer.js';
import type { Claimed, TaskTable } from './task-table.js';

export interface SqliteWorkerContext {
  readonly table: TaskTable;
  readonly instance: string;
  readonly maxResultBytes: number;
  /** Called after this worker has changed a task. */
  readonly onChange: (taskRef: string) => void;
}

interface RunningTask {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

const RETRY_END_MS = 1000;
const MOST_END_TRIES = 30;

/** Runs queued tasks in this process. */
export class SqliteWorker implements EngineWorker {
  readonly #context: SqliteWorkerContext;
  readonly #options: WorkerOptions;
  readonly #running = new Map<string, RunningTask>();
  readonly #idle = new ChangeNotice();
  #mode: 'all' | 'own' | 'none' = 'all';

  constructor(context: SqliteWorkerContext, options: WorkerOptions) {
    this.#context = context;
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Starts as many queued tasks as there is room for. */
  takeWork(): void {
    while (this.#mode !== 'none' && this.#running.size < this.#options.concurrency) {
      const claimed = this.#context.table.claim(this.#claim());
      if (claimed === undefined) break;
      this.#start(claimed);
    }
    if (!this.isBusy) this.#idle.announce();
  }

  /** Lets go of tasks that have ended otherwise, such as by a cancel in another process. */
  dropEnded(): void {
    for (const [taskRef, { controller }] of this.#running) {
      if (this.#context.table.status(taskRef) !== 'processing')
        controller.abort(new Error('The task was cancelled.'));
    }
  }

  async finish(): Promise<void> {
    this.#mode = 'own';
    for (;;) {
      const idle = this.#idle.next;
      this.takeWork();
      if (!this.isBusy && !this.#context.table.owesWork(this.#claim())) return;
      await idle;
    }
  }

  async drain(graceMs: number): Promise<void> {
    this.#mode = 'none';
    const all = Promise.all([...this.#running.values()].map(task => task.done));
    const enough = new AbortController();
    await Promise.race([all, sleep(graceMs, enough.signal).catch(() => {})]);
    enough.abort();
    for (const [taskRef, { controller }] of this.#running) {
      const message = 'The server was stopped before the task was done. Start it again.';
      this.#context.table.end(taskRef, this.#context.instance, {
        status: 'failed',
        error: { code: 'WORKER_STOPPED', message, retryable: true },
      });
      this.#context.onChange(taskRef);
      controller.abort(new Error(message));
    }
    await all;
  }

  #claim() {
    return {
      instance: this.#context.instance,
      operations: this.#options.operations,
      ownOnly: this.#mode === 'own',
    };
  }

  #start(claimed: Claimed): void {
    const { taskRef } = claimed.record;
    const controller = new AbortController();
    const done = this.#run(claimed, controller.signal).finally(() => {
      this.#running.delete(taskRef);
      this.#context.onChange(taskRef);
      this.takeWork();
    });
    this.#running.set(taskRef, { controller, done });
  }

  async #run(claimed: Claimed, signal: AbortSignal): Promise<void> {
    const { table, instance } = this.#context;
    const { taskRef } = claimed.record;
    const progress = new ProgressWriter(value => table.reportProgress(taskRef, instance, value));
    const execution = await this.#options.execute(claimed, {
      signal,
      reportProgress: value => progress.report(value),
    });
    progress.stop();
    await this.#storeEnd(taskRef, this.#withinLimit(execution));
  }

  /** A full disk may have room a moment later; the work that was done should not be lost to it. */
  async #storeEnd(taskRef: string, execution: Execution): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        this.#context.table.end(taskRef, this.#context.instance, execution);
        return;
      } catch {
        if (tries === MOST_END_TRIES) return;
        await sleep(RETRY_END_MS);
      }
    }
  }

  #withinLimit(execution: Execution): Execution {
    if (execution.status === 'failed') return execution;
    const { maxResultBytes } = this.#context;
    const bytes = Buffer.byteLength(JSON.stringify(execution.result));
    if (bytes <= maxResultBytes) return execution;
    const message = `The result has ${bytes} bytes of JSON, more than the ${maxResultBytes} that this server keeps.`;
    return { status: 'failed', error: { code: 'RESULT_TOO_LARGE', message, retryable: false } };
  }
}
