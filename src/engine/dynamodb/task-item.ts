import { hash } from 'node:crypto';
import type { TaskRecord } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import type { Fields, ItemKey } from './dynamodb-table.js';

/**
 * How many partitions the tasks of one state or one owner have in an index. A partition takes 1,000 writes a second; a
 * thousand tasks a second make 3,000 in each index: 188 to each of sixteen.
 */
export const INDEX_PARTITIONS = 16;

/** What a record and the item of its task have alike. */
type Alike = Omit<TaskRecord, 'operation' | 'inputRequests' | 'delivery' | 'progress' | 'result' | 'error'>;

/** The item of a task. What is JSON is written so. The item is stored without `taskRef`, which `pk` has. */
export interface TaskItem extends Fields, Alike {
  readonly pk: string;
  readonly sk: 'task';
  readonly version: number;
  readonly dueAt: number;
  readonly ttlMs: number;
  readonly inputTimeoutMs: number;
  /** The engine that sends the message of a task that waits. */
  readonly front?: string | undefined;
  /** The engine that runs it. */
  readonly worker?: string | undefined;
  /** JSON of `Questions`. */
  readonly questions?: string | undefined;
  /** 1 where a question is open. */
  readonly asking?: number | undefined;
  /** JSON, as are those that follow; a long one is in items of its own, and here is how many. */
  readonly delivery?: string | undefined;
  readonly progress?: string | undefined;
  readonly parameters?: string | number | undefined;
  readonly result?: string | number | undefined;
  readonly error?: string | number | undefined;
}

/** Names the items of one installation. */
export class TaskKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** What names a task outside of the table, such as in a message. */
  address(taskRef: string): string {
    return `${this.#prefix}${taskRef}`;
  }

  /** The reference of an address; undefined for that of another installation. */
  taskRefOf(address: string): string | undefined {
    const taskRef = address.startsWith(this.#prefix) ? address.slice(this.#prefix.length) : '';
    return operationOf(taskRef) === undefined ? undefined : taskRef;
  }

  task(taskRef: string): ItemKey {
    return { pk: this.address(taskRef), sk: 'task' };
  }

  idempotency(owner: string, operation: string, key: string): ItemKey {
    return { pk: `${this.#prefix}key#${hash('sha256', JSON.stringify([owner, operation, key]))}`, sk: 'key' };
  }

  engine(instance: string): ItemKey {
    return { pk: this.engines, sk: instance };
  }

  /** The partition of the engines. */
  get engines(): string {
    return `${this.#prefix}engines`;
  }

  get sweep(): ItemKey {
    return { pk: `${this.#prefix}sweep`, sk: 'sweep' };
  }

  statePartition(state: 'unfinished' | 'ended', taskRef: string): string {
    return `${this.#prefix}${state}#${partitionOf(taskRef)}`;
  }

  ownerPartition(owner: string, taskRef: string): string {
    return `${this.#prefix}owner#${ownerDigest(owner)}#${partitionOf(taskRef)}`;
  }

  /** All partitions of a state, or of an owner. */
  partitions(of: 'unfinished' | 'ended' | { readonly owner: string }): readonly string[] {
    const name = typeof of === 'string' ? of : `owner#${ownerDigest(of.owner)}`;
    return Array.from({ length: INDEX_PARTITIONS }, (_, index) => `${this.#prefix}${name}#${index}`);
  }
}

/** Sorts the tasks of an index partition by time of creation, then by reference. */
export function createdKey(createdAt: number, taskRef: string): string {
  return `${String(createdAt).padStart(16, '0')}#${taskRef}`;
}

/** Tells owners apart where their names have no business. */
export function ownerDigest(owner: string): string {
  return hash('sha256', owner, 'base64url').slice(0, 22);
}

function partitionOf(taskRef: string): number {
  return Number.parseInt(taskRef.slice(-4), 16) % INDEX_PARTITIONS;
}

/** So long an item may outlive its expiry: the clocks of machines differ. */
const KEPT_LONGER_MS = 3_600_000;

/** When DynamoDB may remove what expires, in its seconds. */
export function removalTime(expiresAt: number): number {
  return Math.ceil((expiresAt + KEPT_LONGER_MS) / 1000);
}
