import { INVALID_RECORD, UNKNOWN_OWNER } from './record-shape.js';
import type { TaskRecord } from './task-record.js';
import { operationOf } from './task-ref.js';

/** A task whose record cannot be read, as one that has failed for that: with what is known of it. */
export function unreadableRecord(
  known: Pick<TaskRecord, 'taskRef' | 'createdAt' | 'updatedAt' | 'expiresAt'> & Partial<TaskRecord>,
): TaskRecord {
  return {
    owner: UNKNOWN_OWNER,
    operation: operationOf(known.taskRef) ?? '',
    parametersDigest: '',
    startedAt: undefined,
    endedAt: known.updatedAt,
    slaMs: 0,
    runCount: 0,
    retryAttempts: 0,
    excusedRuns: 0,
    waitedMs: 0,
    webhookUrl: undefined,
    ...known,
    status: 'failed',
    inputRequests: undefined,
    delivery: undefined,
    progress: undefined,
    result: undefined,
    error: INVALID_RECORD,
  };
}
