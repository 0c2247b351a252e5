import type { Progress, TaskError } from '../../types.js';
import type { QuestionStore } from '../run-questions.js';
import { WORKER_STOPPED } from '../task-errors.js';
import type { TaskRecord } from '../task-record.js';
import type { Claimed, RunEnding, WorkerStore } from '../worker-store.js';
import { type FailedReason, tryContents } from './job-data.js';
import { excuseRun, jobQuestionStore } from './job-questions.js';
import { isWaiting, jobToRecord } from './job-record.js';
import { countedReturns, type JobRun, type JobSource } from './job-source.js';
import type { LockTimes } from './lock-times.js';
import type { EndOptions, OperationQueue } from './operation-queue.js';

export interface BullmqWorkerStoreContext {
  readonly locks: LockTimes;
  open(operation: string): JobSource;
  /** Whether a task of these operations that this engine has submitted is unfinished. */
  isOwing(operations: readonly string[]): Promise<boolean>;
}

/** Larger results do not go through the queue's events. */
const MAX_EVENT_BYTES = 4096;

/** The jobs of the queues of some operations as the worker of one engine sees them. */
export class BullmqWorkerStore implements WorkerStore<JobRun> {
  readonly answerRecheckMs = 2000;
  readonly extendIntervalMs: number;
  readonly #context: BullmqWorkerStoreContext;
  #operations: readonly string[] = [];
  readonly #sources = new Map<OperationQueue, JobSource>();

  constructor(context: BullmqWorkerStoreContext) {
    this.#context = context;
    this.extendIntervalMs = context.locks.renewIntervalMs;
  }

  open(operations: readonly string[]): readonly JobSource[] {
    this.#operations = operations;
    for (const operation of operations) {
      const source = this.#context.open(operation);
      this.#sources.set(source.queue, source);
    }
    return [...this.#sources.values()];
  }

  /** What is handed back then wakes another worker, not this one. */
  async leave(): Promise<void> {
    await Promise.all([...this.#sources.values()].map(source => source.silence()));
  }

  async owes(): Promise<boolean> {
    return this.#context.isOwing(this.#operations);
  }

  async extend(runs: readonly JobRun[]): Promise<readonly JobRun[]> {
    const lost: JobRun[] = [];
    for (const queue of this.#sources.keys()) {
      const ofQueue = runs.filter(run => run.queue === queue);
      if (ofQueue.length === 0) continue;
      const locked = ofQueue.map(({ job, token }) => ({ taskRef: job.id, token }));
      const { lockDurationMs } = this.#context.locks;
      const refs = await queue.extendLocks(locked, lockDurationMs).catch((): readonly string[] => []);
      lost.push(...ofQueue.filter(({ job }) => refs.includes(job.id)));
    }
    return lost;
  }

  progress(run: JobRun, progress: Progress): Promise<void> {
    run.progress = progress;
    const write = () => run.queue.updateProgress(run.job.id, { at: Date.now(), progress });
    run.lastWrite = run.lastWrite.then(write).catch(() => {});
    return run.lastWrite;
  }

  questions(run: JobRun): QuestionStore {
    return jobQuestionStore(run.queue, run);
  }

  async end(run: JobRun, { end, progress, mayTakeNext }: RunEnding): Promise<Claimed<JobRun> | undefined> {
    const { queue, job, token } = run;
    if (progress !== undefined) void this.progress(run, progress);
    await run.lastWrite;
    const options = { token, takeNext: mayTakeNext() };
    const next = await (end.status === 'failed'
      ? queue.fail(job, reasonOf(run, JSON.parse(end.error)), options)
      : complete(run, end.result, options));
    return this.#sources.get(queue)?.firstToRun(next.job, { token, mayTakeNext });
  }

  async handBack(run: JobRun): Promise<TaskRecord | undefined> {
    const { queue, job: taken, task, token } = run;
    const job = (await queue.read(taken.id)) ?? taken;
    const data = tryContents(job)?.data ?? run.data;
    if (isWaiting(data, Date.now())) await excuseRun(queue, job);
    else if (countedReturns(taken, data) >= task.retryAttempts) {
      await queue.fail(taken, reasonOf(run, WORKER_STOPPED), { token, takeNext: false });
      const failed = await queue.read(taken.id).catch(() => undefined);
      return failed && jobToRecord(failed, Date.now());
    }
    await queue.handBack(taken.id, token);
    return undefined;
  }
}

async function complete({ queue, job }: JobRun, result: string, options: EndOptions) {
  if (Buffer.byteLength(result) <= MAX_EVENT_BYTES) return queue.complete(job, result, options);
  return queue.complete(job, await queue.keepLongResult(job.id, result), options);
}

function reasonOf({ progress }: JobRun, error: Required<TaskError>): FailedReason {
  return { status: 'failed', error, progress };
}
