import { isDeepStrictEqual } from 'node:util';
import { isEnded, type TaskRecord } from './task-record.js';

type Observed = Pick<TaskRecord, 'status' | 'inputRequests' | 'progress'>;

/** Whether something has changed that those who wait for a task want to hear of, or nothing will change any more. */
export function hasChanged(known: Observed, record: Observed): boolean {
  return (
    isEnded(record) ||
    known.status !== record.status ||
    !isDeepStrictEqual(keysOf(known), keysOf(record)) ||
    !isDeepStrictEqual(known.progress, record.progress)
  );
}

/** A key never names another question. */
function keysOf({ inputRequests = {} }: Observed): readonly string[] {
  return Object.keys(inputRequests);
}
