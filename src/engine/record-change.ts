import { isDeepStrictEqual } from 'node:util';
import type { TaskRecord } from './task-record.js';

type Observed = Pick<TaskRecord, 'status' | 'inputRequests' | 'progress'>;

/** Whether something has changed that those who wait for a task want to hear of. */
export function hasChanged(known: Observed, record: Observed): boolean {
  return (
    known.status !== record.status ||
    !isDeepStrictEqual(keysOf(known), keysOf(record)) ||
    !isDeepStrictEqual(known.progress, record.progress)
  );
}

/** A key never names another question. */
function keysOf({ inputRequests = {} }: Observed): readonly string[] {
  return Object.keys(inputRequests);
}
