import type { OwnOptions } from '../store-engine.js';
import type { DynamodbTable } from './dynamodb-table.js';
import type { EnginePresence } from './engine-presence.js';
import type { TaskKeys } from './task-item.js';
import type { TaskQueue } from './task-queue.js';
import type { TaskStore } from './task-store.js';

/** What the parts of one engine share. */
export interface EngineParts {
  readonly table: DynamodbTable;
  readonly keys: TaskKeys;
  readonly queue: TaskQueue;
  readonly times: EngineTimes;
  /** Names the engine in the table. */
  readonly instance: string;
  readonly tasks: TaskStore;
  readonly presence: EnginePresence;
}

export interface DynamodbEngineOptions
  extends OwnOptions,
    Pick<EngineParts, 'table' | 'keys' | 'queue' | 'times'> {
  /** The store's URL without options. */
  readonly label: string;
  /** Releases the connections. */
  readonly disconnect: () => void;
}

/** How long what takes, in milliseconds. */
export interface EngineTimes {
  /** Between two signs of life of an engine. */
  readonly beatMs: number;
  /** An engine that was silent for so long is gone. */
  readonly goneAfterMs: number;
  /** How long a message is hidden while its task runs, after each sign of life. */
  readonly hiddenMs: number;
  /** The longest time that a message of a task that is due later is hidden. */
  readonly maxHiddenMs: number;
  /** What is due later is sent by the sweep, once it is due so soon: SQS delays a message for 15 minutes at most. */
  readonly maxDelayMs: number;
  /** The message of a task that has waited for so long may be lost, although its front lives: it is sent once more. */
  readonly overdueMs: number;
}

/**
 * A dead worker is noticed by the sweep after half a lease of silence, a beat at most before and two after it; SQS shows
 * its messages again after two thirds.
 */
export function engineTimes(leaseMs: number): EngineTimes {
  return {
    beatMs: leaseMs / 6,
    goneAfterMs: leaseMs / 2,
    hiddenMs: (leaseMs * 2) / 3,
    maxHiddenMs: 900_000,
    maxDelayMs: 840_000,
    overdueMs: 600_000,
  };
}
