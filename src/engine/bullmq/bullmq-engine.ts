import { isWithin } from '../../time/at-most.js';
import type { Submission } from '../engine.js';
import type { OperationStats } from '../operation-stats.js';
import { StoreCalls } from '../store-calls.js';
import { type OwnOptions, type Responses, StoreEngine } from '../store-engine.js';
import { SubmittedTasks } from '../submitted-tasks.js';
import type { ListQuery, TaskPage } from '../task-list.js';
import type { NewTask, TaskRecord, WebhookDelivery } from '../task-record.js';
import { BullmqWorkerStore, type QueuedRun } from './bullmq-worker-store.js';
import { OperationQueue } from './operation-queue.js';
import { OwnerOrder } from './owner-order.js';
import { isConnectionError, type QueueConnection } from './queue-connection.js';
import { StoreMaintenance } from './store-maintenance.js';
import { TaskChanges } from './task-changes.js';
import { TaskRecords } from './task-records.js';

/** A store that is away answers nothing any more; what is left of the connections to it then keeps no process alive. */
const CLOSE_STEP_MS = 2000;

export interface BullmqEngineOptions extends OwnOptions {
  readonly connection: QueueConnection;
  /** The store's URL without credentials. */
  readonly label: string;
}

/** The distributed engine: BullMQ on Redis or PostgreSQL, which any number of processes may share. */
export class BullmqEngine extends StoreEngine<QueuedRun> {
  protected readonly label: string;
  protected readonly waits: TaskChanges;
  readonly #connection: QueueConnection;
  readonly #calls: StoreCalls;
  readonly #tasks: TaskRecords;
  readonly #queues = new Map<string, OperationQueue>();
  readonly #submitted: SubmittedTasks;
  readonly #order = new OwnerOrder(operation => this.#queue(operation).presentTurn());
  readonly #maintenance: StoreMaintenance;

  constructor(options: BullmqEngineOptions) {
    super(options);
    const { connection, label } = options;
    this.#connection = connection;
    this.label = label;
    const { records } = connection;
    const calls = new StoreCalls({ label, isConnectionError });
    this.#calls = calls;
    this.#tasks = new TaskRecords({ records, calls, onLost: record => this.onLost(record) });
    this.#submitted = new SubmittedTasks({
      look: taskRefs => this.#tasks.findMany(taskRefs),
      findByKey: task => this.#tasks.findByKey(task),
    });
    this.waits = new TaskChanges({
      records,
      find: taskRef => this.#tasks.find(taskRef),
      onEnd: taskRef => this.#onEnd(taskRef),
      onChange: taskRef => this.#onChange(taskRef),
      onGap: () => void this.#dropEnded(),
    });
    this.#maintenance = new StoreMaintenance({
      tasks: this.#tasks,
      records,
      calls,
      queue: operation => this.#queue(operation),
      operations: () => this.#operations(),
      checkIntervalMs: connection.locks.checkIntervalMs,
      onSwept: () => this.#submitted.prune(),
    });
  }

  protected insert(task: NewTask): Promise<Submission> {
    return this.#submitted.submit(task, async () => {
      const { owner, operation, delayMs = 0 } = task;
      const unfinished = delayMs > 0 ? undefined : this.#submitted.unfinishedOf(owner);
      const turn = unfinished && (await this.#order.next(unfinished, operation));
      const queue = this.#queue(operation);
      const messageOf = ({ taskRef, createdAt }: TaskRecord) => {
        return { taskRef, owner, dueAt: createdAt + delayMs, turn };
      };
      const submission = await this.#tasks.insert(task, record => queue.send(messageOf(record)));
      // Of a task that was stored before, the message may be missing.
      const { record, created } = submission;
      if (!created && record.status === 'pending') await queue.add(messageOf(record));
      return submission;
    });
  }

  protected look(taskRef: string): Promise<TaskRecord | undefined> {
    return this.#tasks.find(taskRef);
  }

  protected storeAnswers(taskRef: string, responses: Responses): Promise<TaskRecord | undefined> {
    return this.#tasks.answer(taskRef, responses);
  }

  protected async storeCancel(taskRef: string): Promise<TaskRecord | undefined> {
    const record = await this.#tasks.cancel(taskRef);
    if (record?.status === 'cancelled') this.#onEnd(taskRef);
    return record;
  }

  protected storeDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    return this.#tasks.recordDelivery(taskRef, delivery);
  }

  protected workerParts() {
    void this.waits.insistOnListening();
    const store = new BullmqWorkerStore({
      tasks: this.#tasks,
      connection: this.#connection,
      queue: operation => this.#queue(operation),
      isOwing: operations => this.#submitted.isOwing(operations),
    });
    // Of a turn, the store tells.
    const onTurn = () => {};
    return { store, onTurn, onReleased: (taskRef: string) => this.waits.ring(taskRef) };
  }

  protected async readStats(windowMs: number): Promise<readonly OperationStats[]> {
    const stats: OperationStats[] = [];
    // One after the other: what is asked for every few seconds leaves room for calls.
    for (const operation of await this.#operations())
      stats.push(await this.#tasks.stats(operation, windowMs));
    return stats.filter(hasTasks);
  }

  protected readPage(query: ListQuery): Promise<TaskPage> {
    return this.#tasks.list(query);
  }

  protected async release(): Promise<void> {
    const cared = this.#maintenance.stop();
    await this.worker?.drain(0);
    await isWithin(Promise.allSettled([this.waits.close(), cared]), CLOSE_STEP_MS);
    await isWithin(Promise.allSettled([this.#connection.close()]), CLOSE_STEP_MS);
  }

  #onEnd(taskRef: string): void {
    this.#submitted.leave(taskRef);
    this.worker?.drop(taskRef);
    this.waits.ring(taskRef);
    this.answerWaits.ring(taskRef);
  }

  #onChange(taskRef: string): void {
    this.waits.ringChange(taskRef);
    this.answerWaits.ring(taskRef);
  }

  /** Lets go of runs that have ended otherwise while nobody could tell. */
  async #dropEnded(): Promise<void> {
    for (const run of this.worker?.runs ?? [])
      if (await this.#tasks.isOver(run).catch(() => false)) this.worker?.drop(run.taskRef);
  }

  async #operations(): Promise<readonly string[]> {
    return (await this.#calls.make(() => this.#connection.records.operations())).toSorted();
  }

  #queue(operation: string): OperationQueue {
    const queue = this.#queues.get(operation) ?? new OperationQueue(operation, this.#connection, this.#calls);
    this.#queues.set(operation, queue);
    return queue;
  }
}

function hasTasks({ pending, processing, completed, failed, cancelled }: OperationStats): boolean {
  return pending + processing + completed + failed + cancelled > 0;
}
