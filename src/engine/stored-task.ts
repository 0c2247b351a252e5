import type { ClaimedTask } from './engine.js';
import { openRequests, type Questions } from './question.js';
import {
  checkStatus,
  INVALID_RECORD,
  InvalidRecordError,
  isInvalid,
  parseError,
  parseFields,
  parseQuestions,
  parseStored,
  UNKNOWN_OWNER,
} from './record-shape.js';
import { isEnded, type RecordStatus, type TaskRecord } from './task-record.js';
import { operationOf } from './task-ref.js';

export type StoredValue = string | number | Uint8Array | null | undefined;

type Plain = keyof Omit<TaskRecord, 'taskRef' | 'status' | 'inputRequests'> | 'version' | 'worker';
type Beside = 'questions' | 'parameters' | 'ttlMs' | 'inputTimeoutMs';

/** A task as a store holds it: what is no text or number is JSON, and a number may be written as text. */
export interface StoredTask extends Readonly<Partial<Record<Plain | Beside, StoredValue>>> {
  readonly taskRef: string;
  /** May be none that this version knows. */
  readonly status: RecordStatus;
}

/** The record; of a task that cannot be read, one that has failed for that. */
export function readStoredTask(stored: StoredTask): TaskRecord {
  try {
    return readRecord(stored);
  } catch (error) {
    if (error instanceof InvalidRecordError) return unreadableRecord(stored);
    throw error;
  }
}

/** A task that cannot be read, as one that has failed for that: with what is known of it. */
export function unreadableRecord(stored: StoredTask): TaskRecord {
  const plain = readPlain(stored, {
    text: value => (typeof value === 'string' ? value : UNKNOWN_OWNER),
    number: value => Number(value) || 0,
  });
  return {
    ...plain,
    status: 'failed',
    endedAt: plain.endedAt ?? plain.updatedAt,
    inputRequests: undefined,
    delivery: undefined,
    progress: undefined,
    result: undefined,
    error: INVALID_RECORD,
  };
}

/** The task with its parameters; undefined where either cannot be read. */
export function readClaimed(stored: StoredTask): ClaimedTask | undefined {
  const record = readStoredTask(stored);
  if (isInvalid(record)) return undefined;
  try {
    return { record, parameters: parseStored(String(stored.parameters ?? 'null')) };
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined;
    throw error;
  }
}

/** @throws InvalidRecordError */
export function readQuestions({ questions }: Pick<StoredTask, 'questions'>): Questions {
  return optional(questions, parseQuestions) ?? [];
}

/** Whether a task has not expired: one that runs does not, any other does on the millisecond. */
export function isUnexpired(
  { status, expiresAt }: Pick<StoredTask, 'status' | 'expiresAt'>,
  now: number,
): boolean {
  return status === 'processing' || Number(expiresAt) > now;
}

function readRecord(stored: StoredTask): TaskRecord {
  const { status } = stored;
  checkStatus(status);
  const questions = readQuestions(stored);
  return {
    ...readPlain(stored, { text, number }),
    status,
    inputRequests: isEnded({ status }) ? undefined : openRequests(questions),
    delivery: optional(stored.delivery, parseFields) as TaskRecord['delivery'],
    progress: optional(stored.progress, parseFields) as TaskRecord['progress'],
    result: optional(stored.result, parseStored),
    error: optional(stored.error, parseError),
  };
}

interface Readers {
  text(value: StoredValue): string;
  number(value: StoredValue): number;
}

function readPlain(stored: StoredTask, { text, number }: Readers) {
  const { taskRef, operation, startedAt, endedAt, webhookUrl } = stored;
  return {
    taskRef,
    owner: text(stored.owner),
    operation: text(operation ?? operationOf(taskRef) ?? ''),
    parametersDigest: text(stored.parametersDigest),
    createdAt: number(stored.createdAt),
    updatedAt: number(stored.updatedAt),
    startedAt: startedAt == null ? undefined : number(startedAt),
    endedAt: endedAt == null ? undefined : number(endedAt),
    expiresAt: number(stored.expiresAt),
    slaMs: number(stored.slaMs),
    runCount: number(stored.runCount),
    retryAttempts: number(stored.retryAttempts),
    excusedRuns: number(stored.excusedRuns),
    waitedMs: number(stored.waitedMs),
    webhookUrl: webhookUrl == null ? undefined : text(webhookUrl),
  };
}

function text(value: StoredValue): string {
  if (typeof value === 'string') return value;
  throw new InvalidRecordError('A field is no text.');
}

function number(value: StoredValue): number {
  const read = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof read === 'number' && !Number.isNaN(read)) return read;
  throw new InvalidRecordError('A field is no number.');
}

/** A number stands for parts of a text that nobody has read. */
function optional<Value>(json: StoredValue, parse: (json: string) => Value): Value | undefined {
  return typeof json === 'string' ? parse(json) : undefined;
}
