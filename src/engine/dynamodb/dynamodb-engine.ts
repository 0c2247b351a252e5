import { randomUUID } from 'node:crypto';
import { isWithin } from '../../time/at-most.js';
import { sleep } from '../../time/sleep.js';
import { isOfRun } from '../conditional-tasks.js';
import type { Submission } from '../engine.js';
import type { OperationStats } from '../operation-stats.js';
import { RecordLooks } from '../record-looks.js';
import { isInvalid } from '../record-shape.js';
import { type Responses, StoreEngine } from '../store-engine.js';
import { readStoredTask } from '../stored-task.js';
import { SubmittedTasks } from '../submitted-tasks.js';
import type { ListQuery, TaskPage } from '../task-list.js';
import {
  isEnded,
  type NewTask,
  type RecordStatus,
  type TaskRecord,
  type WebhookDelivery,
} from '../task-record.js';
import { Dispatcher } from './dispatcher.js';
import { DynamodbWorkerStore, type MessageRun } from './dynamodb-worker-store.js';
import type { DynamodbEngineOptions } from './engine-options.js';
import { EnginePresence } from './engine-presence.js';
import { Sweep } from './sweep.js';
import { listTasks, readStats } from './task-index.js';
import type { TaskItem } from './task-item.js';
import { NOBODY, TaskStore } from './task-store.js';
import { TaskWatch } from './task-watch.js';

const CLOSE_STEP_MS = 3000;

/** The engine on AWS: one DynamoDB table is the truth, and an SQS queue says what to run next. */
export class DynamodbEngine extends StoreEngine<MessageRun> {
  protected readonly label: string;
  protected readonly waits: RecordLooks;
  readonly #options: DynamodbEngineOptions;
  readonly #instance = randomUUID();
  readonly #tasks: TaskStore;
  readonly #submitted: SubmittedTasks;
  readonly #dispatcher: Dispatcher;
  readonly #presence: EnginePresence;
  readonly #watch: TaskWatch;
  readonly #store: DynamodbWorkerStore;
  readonly #closed = new AbortController();

  constructor(options: DynamodbEngineOptions) {
    super(options);
    this.#options = options;
    this.label = options.label;
    const { table, keys, queue, times } = options;
    const instance = this.#instance;
    this.#tasks = new TaskStore({ table, keys, instance, onLost: record => this.onLost(record) });
    const tasks = this.#tasks;
    this.#submitted = new SubmittedTasks({
      look: async taskRefs => {
        const items = await tasks.items(taskRefs, true);
        return new Map([...items].map(([taskRef, item]) => [taskRef, readStoredTask(item)]));
      },
      findByKey: task => tasks.findByKey(task),
    });
    this.#watch = new TaskWatch({
      watched: () => this.#watched(),
      look: taskRefs => tasks.items(taskRefs, false),
      onSeen: (taskRef, item, hasChanged) => this.#onSeen(taskRef, item, hasChanged),
      onLooked: () => this.#dispatcher.looked(),
    });
    this.waits = new RecordLooks({
      find: taskRef => this.look(taskRef),
      untilHeard: () => {
        this.#watch.wake();
        return undefined;
      },
      recheckMs: 30_000,
    });
    this.#dispatcher = new Dispatcher({
      queue,
      maxDelayMs: times.maxDelayMs,
      onWatch: () => this.#watch.wake(),
      sleep: delayMs => sleep(delayMs, this.#closed.signal, { unref: true }).catch(() => {}),
    });
    const dispatch = this.#dispatcher.add.bind(this.#dispatcher);
    const onBeat = () => this.#onBeat(sweep);
    this.#presence = new EnginePresence({ table, keys, instance, ...times, onBeat });
    const parts = { table, keys, queue, times, instance, tasks, presence: this.#presence };
    const sweep = new Sweep({ ...parts, dispatch });
    this.#store = new DynamodbWorkerStore({
      ...parts,
      onChange: (taskRef, status) => this.#onOwnChange(taskRef, status),
      isOwing: operations => this.#submitted.isOwing(operations),
    });
  }

  /** Makes the engine known to the others on the table. */
  start = () => this.#presence.start();

  protected insert(task: NewTask): Promise<Submission> {
    return this.#submitted.submit(task, async () => {
      const { taskRef, owner } = task;
      const delayMs = Math.max(0, task.delayMs ?? 0);
      const front = delayMs > this.#options.times.maxDelayMs ? NOBODY : this.#instance;
      const submission = await this.#tasks.insert(task, front);
      const dueAt = submission.record.createdAt + Math.ceil(delayMs);
      if (submission.created) this.#dispatcher.add({ taskRef, owner, dueAt });
      return submission;
    });
  }

  protected storeAnswers(taskRef: string, responses: Responses): Promise<TaskRecord | undefined> {
    return this.#tasks.answer(taskRef, responses);
  }

  protected async storeCancel(taskRef: string): Promise<TaskRecord | undefined> {
    const record = await this.#tasks.cancel(taskRef);
    if (record !== undefined && isEnded(record)) {
      this.#drop(taskRef);
      this.#onOwnChange(taskRef, record.status);
    }
    return record;
  }

  protected workerParts() {
    const ring = () => this.#store.ring();
    return { store: this.#store, onTurn: ring, onReleased: ring };
  }

  protected storeDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    return this.#tasks.recordDelivery(taskRef, delivery);
  }

  protected readStats(windowMs: number): Promise<readonly OperationStats[]> {
    return readStats(this.#options, windowMs);
  }

  protected readPage(query: ListQuery): Promise<TaskPage> {
    return listTasks({ ...this.#options, tasks: this.#tasks }, query);
  }

  protected async release(): Promise<void> {
    await this.worker?.drain(0);
    this.#closed.abort();
    await isWithin(
      Promise.allSettled([
        this.#dispatcher.close(),
        this.waits.close(),
        this.#store.close(),
        this.#watch.stop(),
      ]),
      CLOSE_STEP_MS,
    );
    await isWithin(Promise.allSettled([this.#presence.stop()]), CLOSE_STEP_MS);
    this.#options.disconnect();
  }

  *#watched(): Iterable<string> {
    yield* this.waits.taskRefs();
    yield* this.#store.running.keys();
    yield* this.#dispatcher.watched();
  }

  #onSeen(taskRef: string, item: TaskItem | undefined, hasChanged: boolean): void {
    const run = this.#store.running.get(taskRef);
    if (run !== undefined && !isOfRun(item, run)) void this.#checkRun(run);
    this.#note(taskRef, item?.status);
    if (!hasChanged) return;
    this.answerWaits.ring(taskRef);
    this.#ring(taskRef, item?.status);
  }

  /** Each wait that is rung reads the record: those for an end are rung for an end. */
  #ring(taskRef: string, status: RecordStatus | undefined): void {
    if (status === undefined || isEnded({ status })) this.waits.ring(taskRef);
    else this.waits.ringChange(taskRef);
  }

  async #checkRun(run: MessageRun): Promise<void> {
    if (await this.#tasks.isOver(run).catch(() => false)) this.#drop(run.taskRef, run);
  }

  #drop(taskRef: string, run = this.#store.running.get(taskRef)): void {
    if (run !== undefined && this.#store.running.get(taskRef) !== run) return;
    if (run !== undefined) this.#store.letGo(run);
    this.worker?.drop(taskRef);
  }

  #onOwnChange(taskRef: string, status: RecordStatus): void {
    this.#note(taskRef, status);
    this.#ring(taskRef, status);
    if (status === 'processing') this.#watch.wake();
  }

  #note(taskRef: string, status: RecordStatus | undefined): void {
    this.#dispatcher.saw(taskRef, status);
    if (status === undefined || isEnded({ status })) this.#submitted.leave(taskRef);
  }

  async #onBeat(sweep: Sweep): Promise<void> {
    this.#dispatcher.prune();
    await this.#submitted.prune();
    await sweep.round();
  }

  protected override onLost(record: TaskRecord): void {
    this.#onOwnChange(record.taskRef, record.status);
    super.onLost(record);
  }

  protected async look(taskRef: string): Promise<TaskRecord | undefined> {
    const record = await this.#tasks.find(taskRef);
    // What fails is tried again by the next look.
    if (record !== undefined && isInvalid(record)) void this.#tasks.failInvalid(taskRef).catch(() => {});
    return record;
  }
}
