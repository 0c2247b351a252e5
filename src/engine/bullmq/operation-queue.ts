import { type IQueueBackend, Job, type JobJson, type JobsOptions } from 'bullmq';
import { GroupedAdds } from '../grouped-adds.js';
import { RunOverError } from '../run-questions.js';
import type { StoreCalls } from '../store-calls.js';
import { StoreFailure } from '../store-failure.js';
import { type FailedReason, type JobData, type JobProgress, tryContents } from './job-data.js';
import { longResultAt, longResultIndex, type StoredJob } from './job-record.js';
import { LAST_TURN } from './owner-limiter.js';
import {
  MAX_EVENTS,
  type NewestJobs,
  type NewestQuery,
  type NotedJob,
  type Page,
  QUEUE_STATES,
  type QueueConnection,
  type QueueHead,
  type QueueState,
  type StoreQueue,
} from './queue-connection.js';

export interface OperationQueueOptions {
  readonly connection: QueueConnection;
  readonly calls: StoreCalls;
  /** How long the queue keeps a job that has ended, in milliseconds. */
  readonly retentionMs: number;
}

/** The oldest job that waited; where none did, when the next delayed one is due. */
export interface Taken {
  readonly job: StoredJob | undefined;
  readonly dueAt: number | undefined;
}

export interface EndOptions {
  /** The token with which the job was taken. */
  readonly token: string;
  /** Whether to take the next one with the same call. */
  readonly takeNext: boolean;
}

export interface LockedJob {
  readonly taskRef: string;
  readonly token: string;
}

export interface AddOptions extends Pick<JobsOptions, 'delay' | 'deduplication' | 'priority'> {
  readonly timestamp: number;
}

interface NewJob {
  readonly name: string;
  readonly data: JobData;
  readonly opts: AddOptions & { readonly jobId: string };
}

/** Heads that are passed over in a row, before somebody waits for a place to be free again. */
const MAX_PASSED_OVER = 16;

/** BullMQ takes this token for that of whoever has the job. */
const ANY_TOKEN = '0';

/** The BullMQ queue of one operation. Its jobs are the tasks' records. */
export class OperationQueue {
  readonly operation: string;
  readonly #connection: QueueConnection;
  readonly #queue: StoreQueue;
  readonly #backend: IQueueBackend;
  readonly #calls: StoreCalls;
  readonly #keep: { readonly age: number };
  readonly #adds: GroupedAdds<NewJob>;

  constructor(operation: string, { connection, calls, retentionMs }: OperationQueueOptions) {
    this.operation = operation;
    this.#connection = connection;
    this.#queue = connection.queue(operation);
    this.#queue.on('error', () => {});
    this.#backend = connection.backend(operation);
    this.#calls = calls;
    this.#keep = { age: Math.ceil(retentionMs / 1000) };
    this.#adds = new GroupedAdds(jobs => this.#addTogether(jobs), {
      isRefusal: error => error instanceof StoreFailure && !calls.isAway(error.cause),
    });
  }

  /** Adds a job. The answer is its reference, or that of the job which holds its deduplication key. */
  async add(taskRef: string, data: JobData, options: AddOptions): Promise<string> {
    return this.#adds.add({ name: this.operation, data, opts: { ...options, jobId: taskRef } });
  }

  /** BullMQ answers for each job of a group which one holds its key, also where two of the group have the same. */
  async #addTogether(jobs: readonly NewJob[]): Promise<readonly string[]> {
    const noted = jobs.map(({ data: { ownerDigest }, opts: { jobId: taskRef, timestamp: createdAt } }) => {
      return { taskRef, ownerDigest, createdAt };
    });
    // Over one connection, in this order: no job is there that no list shows.
    const [, added] = await this.#calls.make(() =>
      Promise.all([this.#connection.note(this.operation, noted), this.#addJobs(jobs)]),
    );
    const ids = added.map(({ id }, index) => id ?? jobs[index]?.opts.jobId ?? '');
    await this.#forget(noted.filter(({ taskRef }, index) => ids[index] !== taskRef));
    return ids;
  }

  /** BullMQ makes and drops a table for each bulk on PostgreSQL, which one job is not worth. */
  async #addJobs(jobs: readonly NewJob[]): Promise<readonly Job[]> {
    const [only, ...others] = jobs;
    if (only === undefined || others.length > 0) return this.#queue.addBulk([...jobs]);
    return [await this.#queue.add(only.name, only.data, only.opts)];
  }

  /** Frees a deduplication key, unless another job than `taskRef` holds it by now. */
  async freeKey(deduplicationId: string, taskRef: string): Promise<void> {
    await this.#calls.make(() => this.#backend.removeDeduplicationKey(deduplicationId, taskRef));
  }

  /** The job that holds a deduplication key. */
  async holderOf(deduplicationId: string): Promise<string | undefined> {
    return (await this.#calls.make(() => this.#backend.getDeduplicationJobId(deduplicationId))) ?? undefined;
  }

  /** The turn that is served now of the jobs that have one, 0 without any. */
  async presentTurn(): Promise<number> {
    return this.#calls.make(() => this.#connection.leastPriority(this.operation));
  }

  /** Moves jobs of these owners away from the head of the queue, each one turn on; false where there are many. */
  async passOver(owners: readonly string[]): Promise<boolean> {
    for (let count = 0; count < MAX_PASSED_OVER; count++) {
      const head = await this.#connection.head(this.operation);
      if (head === undefined || !owners.includes(ownerOf(head) ?? '')) return true;
      const turn = Math.min(head.priority + 1, LAST_TURN);
      await this.#backend.changePriority(head.taskRef, turn);
    }
    return false;
  }

  async read(taskRef: string): Promise<StoredJob | undefined> {
    const json = await this.#calls.make(() => this.#backend.getJobData(taskRef));
    if (json === undefined) return undefined;
    const job = { ...json, id: taskRef };
    const index = longResultIndex(job);
    if (index === undefined) return job;
    const { logs } = await this.#calls.make(() => this.#backend.getJobLogs(taskRef, index, index, true));
    // Removed between the two reads.
    return logs[0] === undefined ? undefined : { ...job, longResult: logs[0] };
  }

  /** Replaces the data of a job unless they were changed, or somebody has taken the job, since it was read. */
  async replaceData(job: StoredJob, data: JobData): Promise<boolean> {
    const change = { job, data: JSON.stringify(data) };
    return this.#calls.make(() => this.#connection.replaceData(this.operation, change));
  }

  /** Keeps a result outside the job, which is read often, and the queue's events: what to complete the job with. */
  async keepLongResult(taskRef: string, result: string): Promise<string> {
    const length = await this.#calls.make(() => this.#backend.addLog(taskRef, result));
    return longResultAt(length - 1);
  }

  async updateProgress(taskRef: string, progress: JobProgress): Promise<void> {
    await this.#calls.make(() => this.#backend.updateProgress(taskRef, JSON.stringify(progress)));
  }

  /** Takes the oldest waiting job, and locks it with the token. */
  async take(token: string): Promise<Taken> {
    return toTaken(await this.#backend.moveToActive(token));
  }

  /** @throws RunOverError when the token's owner no longer has the job */
  async complete(job: StoredJob, returnValue: string, { token, takeNext }: EndOptions): Promise<Taken> {
    return this.#end(takeNext, () =>
      this.#backend.moveToCompleted(this.#nameOf(job), returnValue, this.#keep, token, takeNext),
    );
  }

  /** @throws RunOverError when the token's owner no longer has the job */
  async fail(job: StoredJob, reason: FailedReason, { token, takeNext }: EndOptions): Promise<Taken> {
    const text = JSON.stringify(reason);
    return this.#end(takeNext, () =>
      this.#backend.moveToFailed(this.#nameOf(job), text, this.#keep, token, takeNext),
    );
  }

  /** Ends a job that some worker has. @throws RunOverError when none has it any more */
  async failWhereverItRuns(job: StoredJob, reason: FailedReason): Promise<void> {
    await this.fail(job, reason, { token: ANY_TOKEN, takeNext: false });
  }

  /** Puts a job to the head of the queue. @throws RunOverError when the token's owner no longer has the job */
  async handBack(taskRef: string, token: string): Promise<void> {
    const fieldsToUpdate = { stacktrace: JSON.stringify([String(Date.now())]) };
    const move = () => this.#backend.retryJob(taskRef, true, token, { fieldsToUpdate });
    await this.#calls.make(move).catch(notHeld);
  }

  /** Tells those who wait for a task that it has ended, where BullMQ itself tells nobody. */
  async announceEnd(taskRef: string): Promise<void> {
    await this.#publish({ event: 'ended', jobId: taskRef });
  }

  /** Tells those who wait for a task that something has changed which BullMQ itself does not tell. */
  async announceChange(taskRef: string): Promise<void> {
    await this.#publish({ event: 'changed', jobId: taskRef });
  }

  /** The place in the queue's events from which on nothing will be missed. */
  async lastEventId(): Promise<string> {
    return this.#publish({ event: 'listening' });
  }

  /** Locks jobs for another `durationMs`: the references of those that the token's owner no longer has. */
  async extendLocks(jobs: readonly LockedJob[], durationMs: number): Promise<readonly string[]> {
    return this.#backend.extendLocks(
      jobs.map(({ taskRef }) => taskRef),
      jobs.map(({ token }) => token),
      durationMs,
    );
  }

  /** Moves jobs whose lock has lapsed back to the queue: their references. */
  async moveStalled(): Promise<readonly string[]> {
    return this.#backend.moveStalledJobsToWait();
  }

  /** How many jobs are in each of the queue's states. */
  async counts(): Promise<Record<string, number>> {
    return this.#calls.make(() => this.#queue.getJobCounts(...QUEUE_STATES));
  }

  async list(state: QueueState, page: Page): Promise<readonly StoredJob[]> {
    return this.#calls.make(() => this.#connection.list(this.operation, state, page));
  }

  /** See `QueueConnection.newest`. */
  async newest(query: NewestQuery): Promise<NewestJobs> {
    return this.#calls.make(() => this.#connection.newest(this.operation, query));
  }

  /** Removes a job, unless a worker has it. */
  async remove({ id: taskRef, data, timestamp: createdAt }: StoredJob): Promise<void> {
    const isRemoved = (await this.#calls.make(() => this.#backend.remove(taskRef, false))) > 0;
    const ownerDigest = tryContents({ data })?.data.ownerDigest;
    if (isRemoved && ownerDigest !== undefined) await this.#forget([{ taskRef, ownerDigest, createdAt }]);
  }

  /** Lets lists forget the jobs that BullMQ itself has removed. */
  async prune(): Promise<void> {
    const createdBefore = Date.now() - this.#keep.age * 1000;
    await this.#calls.make(() => this.#connection.prune(this.operation, createdBefore));
  }

  async #forget(jobs: readonly NotedJob[]): Promise<void> {
    if (jobs.length > 0) await this.#calls.make(() => this.#connection.forget(this.operation, jobs));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #publish(event: Record<string, string>): Promise<string> {
    return String(await this.#calls.make(() => this.#backend.publishEvent(event, MAX_EVENTS)));
  }

  async #end(takesNext: boolean, move: () => ReturnType<IQueueBackend['moveToCompleted']>): Promise<Taken> {
    const answer = takesNext ? this.#calls.insist(move) : this.#calls.make(move);
    const { result } = await answer.catch(notHeld);
    return toTaken(result ?? []);
  }

  /** All that BullMQ reads of a job when it moves or changes it: its name. */
  #nameOf({ id }: StoredJob): Job {
    return new Job(this.#queue, this.operation, NO_DATA, {}, id);
  }
}

function ownerOf({ data }: QueueHead): string | undefined {
  return tryContents({ data })?.task.owner;
}

const NO_DATA: JobData = { task: '', ownerDigest: '' };

function toTaken(answer: readonly unknown[]): Taken {
  const [json, taskRef, , dueAt] = answer as [JobJson | null, string, number, number];
  if (json === null || json === undefined) return { job: undefined, dueAt: dueAt > 0 ? dueAt : undefined };
  return { job: { ...json, id: taskRef }, dueAt: undefined };
}

/** BullMQ's codes: no such job, no lock, not active, the lock of another. */
const NOT_HELD = [-1, -2, -3, -6];

function notHeld(error: unknown): never {
  const cause = error instanceof StoreFailure ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && NOT_HELD.includes(Number(cause.code))) {
    throw new RunOverError('The task has ended otherwise.', { cause: error });
  }
  throw error;
}
