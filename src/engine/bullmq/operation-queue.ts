import { type IQueueBackend, Job, type JobJson } from 'bullmq';
import type { RunName } from '../conditional-tasks.js';
import { GroupedAdds } from '../grouped-adds.js';
import type { StoreCalls } from '../store-calls.js';
import { StoreFailure } from '../store-failure.js';
import { LAST_TURN } from './owner-order.js';
import type { QueueConnection, QueueHead, StoreQueue } from './queue-connection.js';

/** The oldest message that waited; where none did, when the next delayed one is due. */
export interface Taken {
  readonly taskRef: string | undefined;
  readonly dueAt: number | undefined;
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
  readonly delayMs: number;
  /** See `OwnerOrder`. */
  readonly turn?: number | undefined;
}

/** Heads that are passed over in a row, before somebody waits for a place to be free again. */
const MAX_PASSED_OVER = 16;
const NOTHING: Taken = { taskRef: undefined, dueAt: undefined };

/** The BullMQ queue of one operation. Its jobs are messages that only name a task: the record says what is to be done. */
export class OperationQueue {
  readonly operation: string;
  readonly #connection: QueueConnection;
  readonly #queue: StoreQueue;
  readonly #backend: IQueueBackend;
  readonly #calls: StoreCalls;
  readonly #adds: GroupedAdds<Message>;

  constructor(operation: string, connection: QueueConnection, calls: StoreCalls) {
    this.operation = operation;
    this.#connection = connection;
    this.#queue = connection.queue(operation);
    this.#queue.on('error', () => {});
    this.#backend = connection.backend(operation);
    this.#calls = calls;
    this.#adds = new GroupedAdds(messages => this.#addTogether(messages), { isRefusal: () => true });
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
    const jobs = messages.map(({ taskRef, owner, delayMs: delay, turn }) => ({
      name: this.operation,
      // PostgreSQL's `jsonb` refuses NUL characters and lone surrogates.
      data: JSON.stringify(owner),
      opts: { jobId: taskRef, delay, ...(turn !== undefined && { priority: turn }) },
    }));
    const [only, ...others] = jobs;
    // BullMQ makes and drops a table for each bulk on PostgreSQL, which one job is not worth.
    if (only !== undefined && others.length === 0) await this.#queue.add(only.name, only.data, only.opts);
    else await this.#queue.addBulk(jobs);
    return messages.map(({ taskRef }) => taskRef);
  }

  /** The turn that is served now of the messages that have one, 0 without any. */
  async presentTurn(): Promise<number> {
    return this.#calls.make(() => this.#connection.leastPriority(this.operation));
  }

  /** Moves messages of these owners away from the head of the queue, each one turn on; false where there are many. */
  async passOver(owners: readonly string[]): Promise<boolean> {
    for (let count = 0; count < MAX_PASSED_OVER; count++) {
      const head = await this.#connection.head(this.operation);
      if (head === undefined || !owners.includes(ownerOf(head) ?? '')) return true;
      const turn = Math.min(head.priority + 1, LAST_TURN);
      await this.#backend.changePriority(head.taskRef, turn);
    }
    return false;
  }

  /** Takes the oldest waiting message, and locks it with the token. */
  async take(token: string): Promise<Taken> {
    return toTaken(await this.#backend.moveToActive(token));
  }

  /** Removes a message that was taken. One whose lock has lapsed comes again, and finds a task that has ended. */
  async finish(taskRef: string, { token, takeNext }: FinishOptions): Promise<Taken> {
    const job = new Job(this.#queue, this.operation, '', {}, taskRef);
    const move = () => this.#backend.moveToCompleted(job, '', true, token, takeNext);
    // What an answer brings along that nobody waits for would be lost.
    const answer = takeNext ? this.#calls.insist(move) : this.#calls.make(move);
    return answer.then(({ result }) => toTaken(result ?? []), notHeld);
  }

  /** Puts a message that was taken to the head of the queue. */
  async handBack(taskRef: string, token: string): Promise<void> {
    await this.#calls.make(() => this.#backend.retryJob(taskRef, true, token)).catch(notHeld);
  }

  /** Locks messages for another `durationMs`: the tasks of those that their tokens no longer lock. */
  async extendLocks(runs: readonly RunName[], durationMs: number): Promise<readonly string[]> {
    return this.#backend.extendLocks(
      runs.map(({ taskRef }) => taskRef),
      runs.map(({ worker }) => worker),
      durationMs,
    );
  }

  /** @throws where the message that was taken with the token has been given to another since */
  async assertLocked(taskRef: string, token: string): Promise<void> {
    const lost = await this.extendLocks([{ taskRef, worker: token }], this.#connection.locks.lockDurationMs);
    if (lost.length > 0) throw new Error('The lock of the message has lapsed.');
  }

  /** Moves messages whose lock has lapsed back to the queue. */
  async moveStalled(): Promise<void> {
    await this.#backend.moveStalledJobsToWait();
  }

  /** Removes a message, unless a worker has it. */
  async remove(taskRef: string): Promise<void> {
    await this.#calls.make(() => this.#backend.remove(taskRef, false));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}

/** A message of another version, or program, has none. */
function ownerOf({ data }: QueueHead): string | undefined {
  try {
    return JSON.parse(JSON.parse(data));
  } catch {
    return undefined;
  }
}

function toTaken(answer: readonly unknown[]): Taken {
  const [json, taskRef, , dueAt] = answer as [JobJson | null, string, number, number];
  if (json === null || json === undefined)
    return { taskRef: undefined, dueAt: dueAt > 0 ? dueAt : undefined };
  return { taskRef, dueAt: undefined };
}

/** BullMQ's codes: no such job, no lock, not active, the lock of another. */
const NOT_HELD = [-1, -2, -3, -6];

function notHeld(error: unknown): Taken {
  const cause = error instanceof StoreFailure ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && NOT_HELD.includes(Number(cause.code))) return NOTHING;
  throw error;
}
