import { type IQueueBackend, Job, type JobJson, Queue } from 'bullmq';
import type { RunName } from '../conditional-tasks.js';
import { GroupedAdds } from '../grouped-adds.js';
import type { StoreCalls } from '../store-calls.js';
import { StoreFailure } from '../store-failure.js';
import { LAST_TURN } from './owner-order.js';
import type { QueueConnection } from './queue-connection.js';

/** The oldest message that waited; where none did, when the next delayed one is due. */
export interface Taken {
  readonly taskRef?: string;
  /** Undefined of a message of another version, or program. */
  readonly owner?: string | undefined;
  /** 0 where it has none. */
  readonly turn?: number;
  readonly dueAt?: number;
}

export interface FinishOptions {
  /** The token with which the message was taken. */
  readonly token: string;
  /** Whether to take the next one with the same call. */
  readonly takeNext: boolean;
}

export interface Message {
  readonly taskRef: string;
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  /** See `OwnerOrder`. */
  readonly turn?: number | undefined;
}

/** Messages that are passed over in a row, before somebody waits for a place to be free again. */
const MAX_PASSED_OVER = 16;
/** Nobody reads the queue's events. */
const QUEUE_OPTIONS = { connection: {}, streams: { events: { maxLen: 1 } } };

/** The BullMQ queue of one operation. Its jobs are messages that only name a task: the record says what is to be done. */
export class OperationQueue {
  readonly operation: string;
  readonly #connection: QueueConnection;
  readonly #backend: IQueueBackend;
  readonly #queue: Queue<string, string, string, string, string, string, IQueueBackend>;
  readonly #calls: StoreCalls;
  readonly #adds: GroupedAdds<Message>;

  constructor(operation: string, connection: QueueConnection, calls: StoreCalls) {
    this.operation = operation;
    this.#connection = connection;
    this.#backend = connection.backend(operation);
    this.#queue = new Queue(operation, QUEUE_OPTIONS, () => this.#backend);
    this.#queue.on('error', () => {});
    this.#calls = calls;
    this.#adds = new GroupedAdds(messages => this.#addTogether(messages));
  }

  /** Adds a message; one that is there stays as it is. */
  async add(message: Message): Promise<void> {
    await this.#calls.make(() => this.send(message));
  }

  /** Tries once to add a message. */
  async send(message: Message): Promise<void> {
    // Where nothing waits for an answer, a group would.
    if (this.#connection.records.isOrdered) await this.#addTogether([message]);
    else await this.#adds.add(message);
  }

  async #addTogether(messages: readonly Message[]): Promise<readonly string[]> {
    const now = Date.now();
    const jobs = messages.map(({ taskRef, owner, dueAt, turn }) => ({
      name: this.operation,
      // PostgreSQL's `jsonb` refuses NUL characters and lone surrogates.
      data: JSON.stringify(owner),
      opts: {
        jobId: taskRef,
        delay: Math.max(0, Math.ceil(dueAt - now)),
        ...(turn !== undefined && { priority: turn }),
      },
    }));
    const [only, ...others] = jobs;
    // BullMQ makes and drops a table for each bulk on PostgreSQL, which one job is not worth.
    if (only !== undefined && others.length === 0) await this.#queue.add(only.name, only.data, only.opts);
    else await this.#queue.addBulk(jobs);
    return messages.map(({ taskRef }) => taskRef);
  }

  /** The turn that is served now of the messages that have one, 0 without any. */
  async presentTurn(): Promise<number> {
    const [first] = await this.#calls.make(() => this.#queue.getPrioritized(0, 0));
    return first?.priority ?? 0;
  }

  /**
   * Takes the oldest waiting message, and locks it with the token. Those of full owners are moved one turn back; undefined
   * where there are many of them.
   */
  async take(token: string, fullOwners: readonly string[]): Promise<Taken | undefined> {
    for (let count = 0; count < MAX_PASSED_OVER; count++) {
      const taken = toTaken(await this.#backend.moveToActive(token));
      const { taskRef, owner = '', turn = 0 } = taken;
      if (taskRef === undefined || !fullOwners.includes(owner)) return taken;
      await this.handBack(taskRef, token, Math.min(turn + 1, LAST_TURN));
    }
    return undefined;
  }

  /** Removes a message that was taken. One whose lock has lapsed comes again, and finds a task that has ended. */
  async finish(taskRef: string, { token, takeNext }: FinishOptions): Promise<Taken> {
    const job = new Job(this.#queue, this.operation, '', {}, taskRef);
    const move = () => this.#backend.moveToCompleted(job, '', true, token, takeNext);
    // What an answer brings along that nobody waits for would be lost.
    const answer = takeNext ? this.#calls.insist(move) : this.#calls.make(move);
    return answer.then(({ result }) => toTaken(result ?? []), notHeld);
  }

  /** Puts a message that was taken to the head of the queue, or behind the others of a turn. */
  async handBack(taskRef: string, token: string, turn?: number): Promise<void> {
    const move = async () => {
      if (turn !== undefined) await this.#backend.changePriority(taskRef, turn);
      await this.#backend.retryJob(taskRef, turn === undefined, token);
    };
    await this.#calls.make(move).catch(notHeld);
  }

  /** Locks messages anew: the tasks of those that have been given to others since they were taken. */
  async extendLocks(runs: readonly RunName[]): Promise<readonly string[]> {
    return this.#backend.extendLocks(
      runs.map(({ taskRef }) => taskRef),
      runs.map(({ worker }) => worker),
      this.#connection.locks.lockDurationMs,
    );
  }

  /** Moves messages whose lock has lapsed back to the queue. */
  async moveStalled(): Promise<void> {
    await this.#backend.moveStalledJobsToWait();
  }

  /** Removes a message, unless a worker has it. */
  async remove(taskRef: string): Promise<void> {
    await this.#calls.make(() => this.#backend.remove(taskRef, false));
  }
}

function toTaken(answer: readonly unknown[]): Taken {
  const [json, taskRef, , dueAt] = answer as [JobJson | null | undefined, string, number, number];
  if (json) return { taskRef, owner: ownerOf(json), turn: Number(json.priority ?? 0) };
  return dueAt > 0 ? { dueAt } : {};
}

function ownerOf({ data }: JobJson): string | undefined {
  try {
    return JSON.parse(JSON.parse(data));
  } catch {
    return undefined;
  }
}

/** BullMQ's codes: no such job, no lock, not active, the lock of another. */
const NOT_HELD = [-1, -2, -3, -6];

function notHeld(error: unknown): Taken {
  const cause = error instanceof StoreFailure ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && NOT_HELD.includes(Number(cause.code))) return {};
  throw error;
}
