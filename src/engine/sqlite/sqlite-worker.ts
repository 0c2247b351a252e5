import { Alarm } from '../../time/alarm.js';
import { sleep, startTimer } from '../../time/sleep.js';
import type { ClaimedTask, EngineWorker, WorkerOptions } from '../engine.js';
import { executeSafely } from '../execute-safely.js';
import { fullOwners } from '../owner-shares.js';
import { ProgressWriter } from '../progress-writer.js';
import { RunQuestions } from '../run-questions.js';
import { toStorableEnd } from '../storable-end.js';
import type { TaskRecord } from '../task-record.js';
import type { RunContext, SqliteWorkerContext, TaskEnd } from './sqlite-worker-context.js';
import type { Run } from './task-statements.js';
import type { Claim } from './task-table.js';

interface RunningTask {
  readonly run: Run;
  readonly owner: string;
  readonly controller: AbortController;
  readonly questions: RunQuestions;
  readonly done: Promise<void>;
}

/** Most claims per turn of the event loop: between two turns, callers get their answers. */
const CLAIMS_PER_TURN = 32;
const RECHECK_MS = 250;
/** A delayed task that is due later is no reason to stay: the next server runs it. */
const SOON_DUE_MS = 30_000;
/** Should the notice of an answer get lost. */
const ANSWER_RECHECK_MS = 60_000;
const RETRY_END_MS = 1000;
const MOST_END_TRIES = 30;

/** Runs queued tasks in this process. */
export class SqliteWorker implements EngineWorker {
  readonly #context: SqliteWorkerContext;
  readonly #options: WorkerOptions;
  /** A task may be in it twice for a moment: a run that was given up and the next one. */
  readonly #running = new Set<RunningTask>();
  readonly #taskEnded = new Alarm();
  #takes: 'all' | 'own' | 'none' = 'all';
  #isTaking = false;
  /** Whether a task may have come since the worker looked. */
  #mayHaveMore = false;
  #taking: Promise<void> = Promise.resolve();
  /** Claimed, and about to be started. */
  #claimed: readonly string[] = [];
  #stopDueTimer = () => {};
  /** Ends the grace of every drain: the shortest counts. */
  readonly #graceEnd = new AbortController();

  constructor(context: SqliteWorkerContext, options: WorkerOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Whether something runs that does not wait for an answer. */
  get isBusy(): boolean {
    return this.#busy().length > 0;
  }

  get takesTasks(): boolean {
    return this.#takes !== 'none';
  }

  get running(): readonly string[] {
    return [...this.#claimed, ...[...this.#running].map(({ run }) => run.taskRef)];
  }

  #busy(): readonly RunningTask[] {
    return [...this.#running].filter(({ questions }) => !questions.isWaiting);
  }

  /** Starts as many queued tasks as there is room for, from the next turn of the event loop on. */
  takeWork(): void {
    if (!this.#hasRoom()) return;
    this.#mayHaveMore = true;
    if (this.#isTaking) return;
    this.#isTaking = true;
    setImmediate(() => {
      this.#mayHaveMore = false;
      this.#taking = this.#takeSome().finally(() => {
        this.#isTaking = false;
        if (this.#mayHaveMore) this.takeWork();
      });
    });
  }

  /** Lets go of runs that no longer count, such as by a cancel in another process. */
  dropEnded(): void {
    const { table } = this.#context;
    for (const { run, controller } of this.#running) {
      if (controller.signal.aborted || table.isRunning(run)) continue;
      const isCancelled = table.status(run.taskRef) === 'cancelled';
      controller.abort(
        new Error(isCancelled ? 'The task was cancelled.' : 'This worker was taken for dead.'),
      );
    }
  }

  async finish(): Promise<void> {
    const never = new AbortController().signal;
    if (this.#takes === 'all') this.#takes = 'own';
    while (this.isBusy || this.#hasWork()) {
      this.takeWork();
      await this.#taskEnded.sleep(RECHECK_MS, never);
    }
    await this.#takeNoMore();
    await this.#letGo([...this.#running]);
  }

  async drain(graceMs: number): Promise<void> {
    await this.#takeNoMore();
    await this.#letGo([...this.#running].filter(({ questions }) => questions.isWaiting));
    const allDone = Promise.all([...this.#running.values()].map(task => task.done));
    await Promise.race([allDone, sleep(graceMs, this.#graceEnd.signal).catch(() => {})]);
    this.#graceEnd.abort();
    await this.#context.commits.settled();
    await this.#letGo([...this.#running]);
    this.#taskEnded.ring();
  }

  async #takeNoMore(): Promise<void> {
    this.#takes = 'none';
    this.#stopDueTimer();
    this.#context.onStop();
    // What was being taken is running then.
    await this.#taking;
  }

  /** Ends runs for good: each task goes back to the queue if it may be run again, and fails if not. */
  async #letGo(tasks: readonly RunningTask[]): Promise<void> {
    await Promise.all(tasks.map(task => this.#stop(task)));
  }

  async #stop(task: RunningTask): Promise<void> {
    const { table, commits, onChange, onLost } = this.#context;
    const { run, controller } = task;
    try {
      const failed = await commits.write(() => table.stop(run));
      if (failed !== undefined) onLost(failed);
    } catch {
      // Not even that can be written: others take the task for lost once this process has ended.
    }
    this.#running.delete(task);
    controller.abort(new Error('The worker is stopped.'));
    onChange(run.taskRef);
  }

  /** A store that cannot be read just now may hold work. */
  #hasWork(): boolean {
    if (!this.takesTasks) return false;
    try {
      return this.#context.table.hasWork(this.#claim(), SOON_DUE_MS);
    } catch {
      return true;
    }
  }

  #hasRoom(): boolean {
    return this.takesTasks && this.#busy().length < this.#options.concurrency;
  }

  async #takeSome(): Promise<void> {
    const { table, commits, onChange, onLost } = this.#context;
    const invalid: TaskRecord[] = [];
    try {
      // Looking first keeps a worker with nothing to do from asking for the write lock.
      const claimed = table.hasWork(this.#claim()) ? await commits.write(() => this.#claimSome(invalid)) : [];
      for (const record of invalid) {
        onLost(record);
        onChange(record.taskRef);
      }
      for (const task of claimed) {
        this.#start(task);
        onChange(task.record.taskRef);
      }
      this.#comeBackWhenDue();
    } catch {
      // A long lock or a damaged file: the next change or beat tries again.
    } finally {
      this.#claimed = [];
    }
  }

  #claimSome(invalid: TaskRecord[]): readonly ClaimedTask[] {
    if (!this.#hasRoom()) return [];
    this.#context.renewLapsedLease();
    const room = this.#options.concurrency - this.#busy().length;
    const tasks = this.#context.table.claim(this.#claim(), Math.min(room, CLAIMS_PER_TURN), invalid);
    this.#claimed = tasks.map(({ record }) => record.taskRef);
    return tasks;
  }

  /** For what is left over, and for a delayed task: that it is due, nobody announces. */
  #comeBackWhenDue(): void {
    this.#stopDueTimer();
    if (!this.#hasRoom()) return;
    const { table } = this.#context;
    const dueInMs = table.nextDueInMs(this.#claim());
    // Looked at last: a task may have come due meanwhile.
    if (table.hasWork(this.#claim())) this.takeWork();
    else if (dueInMs !== undefined)
      this.#stopDueTimer = startTimer(dueInMs, () => this.takeWork(), { unref: true });
  }

  #claim(): Claim {
    const { instance } = this.#context;
    const { operations, concurrency, shareOf } = this.#options;
    return {
      worker: instance,
      operations,
      ownOnly: this.#takes === 'own',
      fullOwners: claimed => fullOwners([...this.#busy(), ...claimed], { concurrency, shareOf }),
    };
  }

  #start(claimed: ClaimedTask): void {
    const { taskRef, runCount } = claimed.record;
    const run = { taskRef, runCount, worker: this.#context.instance };
    const controller = new AbortController();
    const { signal } = controller;
    const questions = this.#questionsOf(run, signal);
    const done = this.#run(claimed, { run, signal, questions }).finally(() => {
      this.#running.delete(running);
      this.#onTurn(taskRef);
    });
    const running = { run, owner: claimed.record.owner, controller, questions, done };
    this.#running.add(running);
  }

  /** A run has ended, or begun or ended to wait for an answer. */
  #onTurn(taskRef: string): void {
    this.#context.onChange(taskRef);
    this.#taskEnded.ring();
    this.takeWork();
  }

  #questionsOf(run: Run, signal: AbortSignal): RunQuestions {
    const { taskRef } = run;
    const { commits, table, answerWaits } = this.#context;
    return new RunQuestions({
      taskRef,
      signal,
      waits: answerWaits,
      recheckMs: ANSWER_RECHECK_MS,
      store: {
        ask: asked => commits.write(() => table.questions.ask(run, asked)),
        find: async key => table.questions.find(run, key),
        take: key => commits.write(() => table.questions.take(run, key)),
      },
      onTurn: () => {
        this.#onTurn(taskRef);
        // It has begun to wait while the worker stops.
        if (!this.takesTasks) void this.#letGo([...this.#running].filter(task => task.questions.isWaiting));
      },
    });
  }

  async #run(claimed: ClaimedTask, { run, signal, questions }: RunContext): Promise<void> {
    const { table, commits, onProgress } = this.#context;
    const progress = new ProgressWriter(value => {
      const written = commits.write(() => table.reportProgress(run, value));
      // Progress is worth no more than the next report of it.
      written.then(() => onProgress(run.taskRef)).catch(() => {});
    });
    const execution = await executeSafely(this.#options.execute)(claimed, {
      signal,
      reportProgress: value => progress.report(value),
      ask: asked => questions.ask(asked),
    });
    questions.close();
    const end = toStorableEnd(execution, this.#context.maxResultBytes);
    await this.#storeEnd({ run, end, progress: progress.stop(), signal });
  }

  /**
   * A full disk may have room a moment later: work that was done should not be lost to it. When the signal has
   * aborted, the task has ended otherwise.
   */
  async #storeEnd({ run, end, progress, signal }: TaskEnd): Promise<void> {
    const { table, commits } = this.#context;
    for (let tries = 1; tries <= MOST_END_TRIES && !signal.aborted; tries++) {
      try {
        await commits.write(() => table.end(run, end, progress));
        return;
      } catch {
        if (tries < MOST_END_TRIES) await sleep(RETRY_END_MS, signal).catch(() => {});
      }
    }
  }
}
