import { atMost } from '../time/at-most.js';
import { Alarm, sleep } from '../time/sleep.js';
import { ActiveRun, type ActiveRunContext } from './active-run.js';
import type { EngineWorker, StoreNotice, WorkerOptions } from './engine.js';
import { fullOwners } from './owner-shares.js';
import { failureCode } from './store-failure.js';
import type { Claimed, TaskSource } from './worker-store.js';

/** Bounds how many tasks run at once. Whoever waits is let in in the order of asking. */
class RunLimiter {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether somebody waits to be let in. */
  get isContended(): boolean {
    return this.#waiting.length > 0;
  }

  /** Waits for one place, and takes up to `count` that are free then: how many. */
  async take(count: number): Promise<number> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    const more = Math.max(0, Math.min(count - 1, this.#free));
    this.#free -= more;
    return 1 + more;
  }

  /** Takes a place at once, also where there is none: the next ones to be released are not given away then. */
  claim(): void {
    this.#free--;
  }

  /** Lets everybody in: for those who will find that there is nothing more to do. */
  open(): void {
    for (const enter of this.#waiting.splice(0)) enter();
  }

  release(count = 1): void {
    for (let released = 0; released < count; released++) {
      const next = this.#free < 0 ? undefined : this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/** What a worker is given by its engine. */
export interface TaskWorkerContext<Run> extends Omit<ActiveRunContext<Run>, 'onTurn'> {
  /** Told of a run that has begun, or has begun or ended to wait for an answer. */
  readonly onTurn: (taskRef: string) => void;
  /** Told of a task that this worker has let go of: it has ended, or is back in the queue. */
  readonly onReleased: (taskRef: string) => void;
  readonly onNotice: (notice: StoreNotice) => void;
}

const RETRY_CLAIM_MS = 1000;

const RECHECK_MS = 250;

/** How long the store may take to answer what was asked before the worker was drained. */
const LAST_ANSWERS_MS = 2000;

/** Runs queued tasks in this process, as many at once as `concurrency` allows. */
export class TaskWorker<Run> implements EngineWorker {
  readonly #context: TaskWorkerContext<Run>;
  readonly #options: WorkerOptions;
  readonly #limiter: RunLimiter;
  /** A task may be in it twice for a moment: a run that was given up and the next one. */
  readonly #running = new Map<Run, ActiveRun<Run>>();
  /** The last run of each task: earlier ones have been dropped. */
  readonly #latest = new Map<string, ActiveRun<Run>>();
  /** All that claims and runs tasks. */
  readonly #activities = new Set<Promise<void>>();
  readonly #taskEnded = new Alarm();
  #ownOnly = false;
  #isRefused = false;
  /** Aborts when no more tasks are claimed. */
  readonly #stopped = new AbortController();
  /** Aborts at the end of the shortest grace of all drains. */
  readonly #graceEnd = new AbortController();

  constructor(context: TaskWorkerContext<Run>, options: WorkerOptions) {
    this.#context = context;
    this.#options = options;
    this.#limiter = new RunLimiter(options.concurrency);
    for (const source of context.store.open(options.operations)) this.#track(this.#serve(source));
    void this.#extendRuns();
  }

  get takesTasks(): boolean {
    return !this.#stopped.signal.aborted;
  }

  /** Whether something runs that does not wait for an answer. */
  get isBusy(): boolean {
    return this.#busy().length > 0;
  }

  /** All tasks that this worker has not let go of. */
  get taskRefs(): readonly string[] {
    return [...this.#running.values()].map(({ taskRef }) => taskRef);
  }

  /** The runs that count as far as this worker knows. */
  get runs(): readonly Run[] {
    return [...this.#running.values()].filter(active => !active.isDropped).map(({ run }) => run);
  }

  /** Lets go of a task that has ended otherwise, such as by a cancel in another process. */
  drop(taskRef: string): void {
    this.#latest.get(taskRef)?.drop();
  }

  async finish(): Promise<void> {
    this.#ownOnly = true;
    while ((await this.#owes()) || this.isBusy) {
      await this.#taskEnded.sleep(RECHECK_MS, new AbortController().signal);
    }
    await this.drain(0);
  }

  async drain(graceMs: number): Promise<void> {
    this.#stopped.abort();
    this.#limiter.open();
    for (const active of this.#running.values()) if (active.isWaiting) void active.stop();
    await atMost(this.#context.store.leave(), LAST_ANSWERS_MS).catch(() => {});
    await Promise.race([this.#allOver(), sleep(graceMs, this.#graceEnd.signal).catch(() => {})]);
    this.#graceEnd.abort();
    await Promise.all([...this.#running.values()].map(active => active.stop()));
    // An answer that is under way may bring another task, which is stopped as soon as it comes.
    await atMost(this.#allOver(), LAST_ANSWERS_MS).catch(() => {});
    this.#taskEnded.ring();
  }

  async #owes(): Promise<boolean> {
    if (!this.takesTasks) return false;
    // A store that cannot be read just now may hold work.
    return this.#context.store.owes().catch(() => true);
  }

  #track(activity: Promise<void>): void {
    this.#activities.add(activity);
    void activity.finally(() => this.#activities.delete(activity));
  }

  async #allOver(): Promise<void> {
    while (this.#activities.size > 0) await Promise.all(this.#activities);
  }

  /** Claims the tasks of one source as long as there are places for them. */
  async #serve(source: TaskSource<Run>): Promise<void> {
    while (this.takesTasks) {
      const room = await this.#limiter.take(source.batchSize);
      const claimed = await this.#claim(source, room);
      for (const each of claimed) {
        // Of a task whose end cannot be stored, the lease lapses.
        const run = this.#runOn(each).catch(() => {});
        this.#track(run.finally(() => this.#limiter.release()));
      }
      this.#limiter.release(room - claimed.length);
      if (claimed.length === 0 && this.takesTasks) await source.untilWork(this.#stopped.signal);
    }
  }

  async #claim(source: TaskSource<Run>, limit: number): Promise<readonly Claimed<Run>[]> {
    if (!this.takesTasks) return [];
    try {
      const claimed = await source.claim({
        limit,
        ownOnly: this.#ownOnly,
        fullOwners: more => fullOwners([...this.#busy(), ...more], this.#options),
        mayTakeNext: () => this.#mayTakeNext(),
      });
      this.#tell(undefined);
      return claimed;
    } catch (error) {
      this.#tell(error);
      await sleep(RETRY_CLAIM_MS, this.#stopped.signal, { unref: true }).catch(() => {});
      return [];
    }
  }

  #busy(): readonly ActiveRun<Run>[] {
    return [...this.#running.values()].filter(active => !active.isWaiting);
  }

  #mayTakeNext(): boolean {
    return this.takesTasks && !this.#limiter.isContended;
  }

  /** Says it once when the store begins to refuse tasks, and once when it is over. */
  #tell(error: unknown): void {
    const isRefused = error !== undefined;
    if (isRefused === this.#isRefused || !this.takesTasks) return;
    this.#isRefused = isRefused;
    this.#context.onNotice(
      isRefused
        ? { level: 'error', message: 'The store lets no task be taken', fields: { code: failureCode(error) } }
        : { level: 'info', message: 'The store lets tasks be taken again', fields: {} },
    );
  }

  /** Runs a task, and those that the end of each brings along. */
  async #runOn(first: Claimed<Run>): Promise<void> {
    for (let next: Claimed<Run> | undefined = first; next !== undefined; ) next = await this.#run(next);
  }

  async #run(claimed: Claimed<Run>): Promise<Claimed<Run> | undefined> {
    const { onReleased, onTurn } = this.#context;
    const active = new ActiveRun(claimed, { ...this.#context, onTurn: turned => this.#onTurn(turned) });
    const { run, taskRef } = active;
    // An earlier run of the task that still goes on here has lost it.
    this.drop(taskRef);
    this.#running.set(run, active);
    this.#latest.set(taskRef, active);
    const others = () => this.#busy().filter(other => other !== active);
    const mayRunNext = () => this.#mayTakeNext() && fullOwners(others(), this.#options).length === 0;
    try {
      if (this.#graceEnd.signal.aborted) {
        await active.stop();
        return undefined;
      }
      onTurn(taskRef);
      return await active.runToEnd(this.#options.execute, mayRunNext);
    } finally {
      this.#running.delete(run);
      if (this.#latest.get(taskRef) === active) this.#latest.delete(taskRef);
      onReleased(taskRef);
      this.#taskEnded.ring();
    }
  }

  /** A run that waits for an answer leaves its place to another, and goes on without waiting for one. */
  #onTurn(active: ActiveRun<Run>): void {
    if (active.isWaiting) this.#limiter.release();
    else this.#limiter.claim();
    if (active.isWaiting && !this.takesTasks) void active.stop();
    this.#context.onTurn(active.taskRef);
    this.#taskEnded.ring();
  }

  /** Keeps all that runs this worker's until it has stopped. */
  async #extendRuns(): Promise<void> {
    const { store } = this.#context;
    const { signal } = this.#graceEnd;
    for (;;) {
      await sleep(store.extendIntervalMs, signal, { unref: true }).catch(() => {});
      if (signal.aborted) return;
      const lost = await store.extend(this.runs).catch((): readonly Run[] => []);
      for (const run of lost) this.#running.get(run)?.drop();
    }
  }
}
