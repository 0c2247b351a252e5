import type { Progress, TaskError } from '../types.js';

/** The server's status words (DESIGN: `resolve_task_status`). */
export type RecordStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

/** What a front asks an engine to store and to run. */
export interface NewTask {
  /** Unguessable; at least 128 random bits. */
  readonly taskRef: string;
  /** The principal that the task belongs to. */
  readonly owner: string;
  readonly operation: string;
  /** Any JSON value; the operation's input after its schema has parsed it. */
  readonly parameters: unknown;
  /** The same owner, operation and key name one task. */
  readonly idempotencyKey?: string | undefined;
  /** Longest run time in milliseconds, counted from the moment a worker starts it. */
  readonly slaMs: number;
  /** How long the record is kept, in milliseconds: from now, and again from the task's end. */
  readonly ttlMs: number;
}

/** One row, the only source of truth about a task. Times are milliseconds since the epoch. */
export interface TaskRecord {
  readonly taskRef: string;
  readonly owner: string;
  readonly operation: string;
  readonly status: RecordStatus;
  /** SHA-256 of the canonical JSON of the parameters, hexadecimal. */
  readonly parametersDigest: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly expiresAt: number;
  readonly slaMs: number;
  readonly progress: Progress | undefined;
  /** Any JSON value; set when `completed`. */
  readonly result: unknown;
  /** Set when `failed` or `cancelled`. */
  readonly error: Required<TaskError> | undefined;
}

export function isEnded(record: Pick<TaskRecord, 'status'>): boolean {
  switch (record.status) {
    case 'pending':
    case 'processing':
      return false;
    case 'completed':
    case 'failed':
    case 'cancelled':
      return true;
  }
}
