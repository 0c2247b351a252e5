import { atMost } from '../time/at-most.js';
import { newDeferred } from '../time/deferred.js';
import { startTimer } from '../time/sleep.js';
import type { Progress } from '../types.js';
import type { Execute, Execution, ExecutionContext } from './engine.js';
import { insistFor, RunQuestions } from './run-questions.js';
import { toStorableEnd } from './storable-end.js';
import type { TaskRecord } from './task-record.js';
import type { TaskWaits } from './task-waits.js';
import type { Claimed, RunEnding, WorkerStore } from './worker-store.js';

const INTERVAL_MS = 100;

/** Writes the latest progress at most ten times a second, the first at once. */
export class ProgressWriter {
  readonly #write: (progress: Progress) => void;
  #latest: Progress | undefined;
  #stopTimer: (() => void) | undefined;
  #stopped = false;

  constructor(write: (progress: Progress) => void) {
    this.#write = write;
  }

  report(progress: Progress): void {
    if (this.#stopped) return;
    this.#latest = progress;
    if (this.#stopTimer === undefined) this.#flush();
  }

  /** Writes nothing more. The answer is what was reported and not yet written. */
  stop(): Progress | undefined {
    this.#stopped = true;
    this.#stopTimer?.();
    return this.#latest;
  }

  #flush(): void {
    const progress = this.#latest;
    this.#stopTimer = undefined;
    if (progress === undefined) return;
    this.#latest = undefined;
    this.#stopTimer = startTimer(INTERVAL_MS, () => this.#flush(), { unref: true });
    this.#write(progress);
  }
}

/** How long a run that is stopped may take to be handed back; orchestrators kill after 30 s. */
const MAX_STOP_MS = 5000;

export interface ActiveRunContext<Run> {
  readonly store: WorkerStore<Run>;
  readonly maxResultBytes: number;
  /** Told of a task that was failed because its worker stops. */
  readonly onLost: (record: TaskRecord) => void;
  /** Rung for tasks that may have an answer. */
  readonly answerWaits: TaskWaits;
  /** Told each time that the run begins or ends to wait for an answer. */
  readonly onTurn: (active: ActiveRun<Run>) => void;
}

/** One run that this process has claimed, from then to its end. */
export class ActiveRun<Run> {
  readonly run: Run;
  readonly taskRef: string;
  readonly owner: string;
  readonly #claimed: Claimed<Run>;
  readonly #context: ActiveRunContext<Run>;
  readonly #controller = new AbortController();
  readonly #stopped = newDeferred();
  readonly #questions: RunQuestions;
  #stopping: Promise<void> | undefined;
  #isOver = false;

  constructor(claimed: Claimed<Run>, context: ActiveRunContext<Run>) {
    this.run = claimed.run;
    this.taskRef = claimed.record.taskRef;
    this.owner = claimed.record.owner;
    this.#claimed = claimed;
    this.#context = context;
    const { store, answerWaits, onTurn } = context;
    this.#questions = new RunQuestions({
      taskRef: this.taskRef,
      store: store.questions(this.run),
      signal: this.#controller.signal,
      waits: answerWaits,
      recheckMs: store.answerRecheckMs,
      onTurn: () => onTurn(this),
    });
  }

  /** Whether the run waits for an answer. */
  get isWaiting(): boolean {
    return this.#questions.isWaiting;
  }

  get isDropped(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Lets the run know that its result will not be kept. One that is over learns that when it stores its end. */
  drop(): void {
    if (this.#isOver) return;
    this.#controller.abort(new Error('The task was cancelled, or has ended otherwise.'));
  }

  /** Runs the task and stores its end; the answer is the store's next run. A run that was stopped is not waited for. */
  async runToEnd(execute: Execute, mayTakeNext: () => boolean): Promise<Claimed<Run> | undefined> {
    const writer = new ProgressWriter(progress => {
      // Progress is worth no more than the next report of it.
      if (!this.isDropped) this.#context.store.progress(this.run, progress).catch(() => {});
    });
    const execution = await Promise.race([
      this.#execute(execute, {
        signal: this.#controller.signal,
        reportProgress: progress => writer.report(progress),
        ask: asked => this.#questions.ask(asked),
      }),
      this.#stopped.promise,
    ]);
    const progress = writer.stop();
    if (execution === undefined) return undefined;
    this.#questions.close();
    this.#isOver = true;
    const end = toStorableEnd(execution, this.#context.maxResultBytes);
    return this.#storeEnd({ end, progress, mayTakeNext });
  }

  /** Hands the task back for good. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#questions.freeze();
    // Where not even that can be written, others find the task as lost.
    await atMost(this.#handBack(), MAX_STOP_MS).catch(() => {});
    this.#controller.abort(new Error('The worker is stopped.'));
    this.#stopped.resolve();
  }

  async #handBack(): Promise<void> {
    const lost = await this.#context.store.handBack(this.run);
    if (lost !== undefined) this.#context.onLost(lost);
  }

  /** Also where `execute` breaks its promise and rejects. */
  async #execute(execute: Execute, context: ExecutionContext): Promise<Execution> {
    try {
      return await execute(this.#claimed, context);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { status: 'failed', error: { code: 'OPERATION_FAILED', message, retryable: false } };
    }
  }

  /** A store that refuses or is away may take the end a moment later: work that was done should not be lost to it. */
  async #storeEnd(ending: RunEnding): Promise<Claimed<Run> | undefined> {
    const end = async () =>
      this.#stopping === undefined ? this.#context.store.end(this.run, ending) : undefined;
    return insistFor(end, this.#controller.signal).catch(() => undefined);
  }
}
