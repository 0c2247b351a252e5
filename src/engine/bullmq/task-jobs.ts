import { randomUUID } from 'node:crypto';
import { digestJson } from '../../storage/canonical-json.js';
import type { Submission } from '../engine.js';
import { DEFAULT_INPUT_TIMEOUT_MS } from '../engine-defaults.js';
import type { InputResponse } from '../question.js';
import { RunOverError } from '../run-questions.js';
import { CANCELLED } from '../task-errors.js';
import { type NewTask, newRecord, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import { type JobData, type JobTask, tryContents } from './job-data.js';
import { answerJob } from './job-questions.js';
import { jobToRecord, type StoredJob } from './job-record.js';
import type { KnownOperations } from './known-operations.js';
import { OperationQueue, type OperationQueueOptions } from './operation-queue.js';
import { failOrphaned, isOrphaned } from './orphaned-jobs.js';

export interface TaskJobsOptions extends OperationQueueOptions {
  readonly known: KnownOperations;
  /** Told of a task that was found to be lost. */
  readonly onLost: (record: TaskRecord) => void;
}

/** The tasks of a store as jobs of its queues, one queue for each operation. */
export class TaskJobs {
  readonly #options: TaskJobsOptions;
  readonly #queues = new Map<string, OperationQueue>();

  constructor(options: TaskJobsOptions) {
    this.#options = options;
  }

  /** The queue of an operation that is known to exist. */
  queue(operation: string): OperationQueue {
    const queue = this.#queues.get(operation) ?? new OperationQueue(operation, this.#options);
    this.#queues.set(operation, queue);
    return queue;
  }

  /** The queues of all operations that the store knows. */
  async queues(): Promise<readonly OperationQueue[]> {
    return (await this.#options.known.list()).map(operation => this.queue(operation));
  }

  /** @param priority the task's turn, see `OwnerLimiter` */
  async submit(task: NewTask, priority?: number): Promise<Submission> {
    const { taskRef, operation } = task;
    await this.#options.known.add(operation);
    const queue = this.queue(operation);
    const kept = jobTask(task);
    const data: JobData = { task: JSON.stringify(kept), ownerDigest: digestJson(kept.owner) };
    const key = task.idempotencyKey === undefined ? undefined : deduplicationId(task);
    for (;;) {
      // Of this try: a key that lapses during an earlier one is no longer held.
      const createdAt = Date.now();
      const holder = await queue.add(taskRef, data, {
        timestamp: createdAt,
        ...(priority !== undefined && { priority }),
        ...(task.delayMs !== undefined && { delay: Math.ceil(task.delayMs) }),
        ...(key !== undefined && { deduplication: { id: key, ttl: this.#longestLife(task) } }),
      });
      if (holder === taskRef) return { record: newRecord(task, { ...kept, createdAt }), created: true };
      const record = await this.find(holder);
      if (record !== undefined) return { record, created: false };
      // The task that held the key has expired. Whoever else frees it too leaves a newer holder alone.
      await queue.freeKey(key ?? '', holder);
    }
  }

  /** The task that the owner has started with the same key. */
  async findByKey(task: NewTask): Promise<TaskRecord | undefined> {
    if (task.idempotencyKey === undefined) return undefined;
    const holder = await this.queue(task.operation).holderOf(deduplicationId(task));
    return holder === undefined ? undefined : this.find(holder);
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    const job = await this.read(taskRef);
    return job && jobToRecord(job, Date.now());
  }

  async read(taskRef: string): Promise<StoredJob | undefined> {
    const operation = operationOf(taskRef);
    if (operation === undefined || !(await this.#mayHold(operation, taskRef))) return undefined;
    const queue = this.queue(operation);
    const job = await queue.read(taskRef);
    if (job === undefined || !isOrphaned(job)) return job;
    // Whoever found the task lost could not tell any more.
    await failOrphaned(queue, { job, onLost: this.#options.onLost });
    return queue.read(taskRef);
  }

  /**
   * Whether the queue of an operation may hold the task. A well-formed reference need not be of an operation that the
   * store has registered, or this process has heard of; but strangers may make up any, and no queue is kept for those.
   */
  async #mayHold(operation: string, taskRef: string): Promise<boolean> {
    const { known, connection, calls } = this.#options;
    if (this.#queues.has(operation)) return true;
    const isHeld = await calls.make(() => connection.hasJob(operation, taskRef));
    if (isHeld) await known.add(operation);
    return isHeld;
  }

  /** The record as it is then; ended records stay as they are. */
  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    for (;;) {
      const job = await this.read(taskRef);
      const record = job && jobToRecord(job, Date.now());
      if (job === undefined || record === undefined) return undefined;
      if (record.status === 'pending') await this.#cancelWaiting(job, record.operation);
      else if (record.status === 'processing') await this.#cancelRunning(job, record);
      else return record;
    }
  }

  /** The record as it is then. */
  async answer(
    taskRef: string,
    responses: Readonly<Record<string, InputResponse>>,
  ): Promise<TaskRecord | undefined> {
    for (;;) {
      const job = await this.read(taskRef);
      if (job === undefined) return undefined;
      const outcome = await answerJob(this.queue(operationOf(taskRef) ?? ''), job, responses);
      if (outcome === 'nothing to store') return jobToRecord(job, Date.now());
      if (outcome === 'stored') return this.find(taskRef);
    }
  }

  async recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    const text = JSON.stringify(delivery);
    for (;;) {
      const job = await this.read(taskRef);
      if (job === undefined || jobToRecord(job, Date.now()) === undefined) return;
      const data = tryContents(job)?.data;
      if (data === undefined) return;
      if (await this.queue(operationOf(taskRef) ?? '').replaceData(job, { ...data, delivery: text })) return;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(queue => queue.close()));
  }

  /** The job stays in the queue: the worker that takes it sees that it is cancelled, and moves it out. */
  async #cancelWaiting(job: StoredJob, operation: string): Promise<void> {
    const queue = this.queue(operation);
    const data: JobData = JSON.parse(job.data);
    const cancelled = { at: Date.now(), by: randomUUID(), runCount: job.attemptsStarted };
    if (await queue.replaceData(job, { ...data, cancelled })) await queue.announceEnd(job.id);
  }

  async #cancelRunning(job: StoredJob, { operation, progress }: TaskRecord): Promise<void> {
    try {
      await this.queue(operation).failWhereverItRuns(job, {
        status: 'cancelled',
        error: CANCELLED,
        progress,
      });
    } catch (error) {
      // It has ended meanwhile, or is back in the queue: the next look tells.
      if (!(error instanceof RunOverError)) throw error;
    }
  }

  /** Longer than the key may be needed: from the submission to the end of what a record of the task is kept. */
  #longestLife(task: NewTask): number {
    const { ttlMs, slaMs, retryAttempts = 0, delayMs = 0, inputTimeoutMs = DEFAULT_INPUT_TIMEOUT_MS } = task;
    return Math.ceil(
      inputTimeoutMs +
        delayMs +
        (2 + retryAttempts) * ttlMs +
        slaMs * (1 + retryAttempts) +
        this.#options.retentionMs,
    );
  }
}

function jobTask(task: NewTask): JobTask {
  return {
    owner: task.owner,
    parametersDigest: digestJson(task.parameters),
    parameters: task.parameters ?? null,
    slaMs: Math.ceil(task.slaMs),
    ttlMs: Math.ceil(task.ttlMs),
    retryAttempts: task.retryAttempts ?? 0,
    delayMs: Math.ceil(task.delayMs ?? 0),
    inputTimeoutMs: Math.ceil(task.inputTimeoutMs ?? DEFAULT_INPUT_TIMEOUT_MS),
    webhookUrl: task.webhookUrl,
  };
}

function deduplicationId({ owner, operation, idempotencyKey }: NewTask): string {
  return digestJson([owner, operation, idempotencyKey]);
}
