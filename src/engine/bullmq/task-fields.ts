import { openRequests, type Questions } from '../question.js';
import {
  checkStatus,
  checkTypes,
  InvalidRecordError,
  parseError,
  parseFields,
  parseQuestions,
  parseStored,
} from '../record-shape.js';
import { isEnded, type NewTask, type RecordStatus, type TaskRecord } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import { unreadableRecord } from '../unreadable-record.js';

/** What a record is made of, beside `parameters` and `result`, which may be large. */
export const RECORD_FIELDS = [
  'taskRef',
  'task',
  'status',
  'worker',
  'version',
  'createdAt',
  'updatedAt',
  'startedAt',
  'endedAt',
  'expiresAt',
  'runCount',
  'excusedRuns',
  'waitedMs',
  'questions',
  'delivery',
  'progress',
  'error',
] as const;

/** What the stores index, beside. */
const INDEX_FIELDS = ['operation', 'ownerDigest', 'key', 'parameters', 'result'] as const;

export const ALL_FIELDS = [...RECORD_FIELDS, ...INDEX_FIELDS] as const;

export type FieldName = (typeof ALL_FIELDS)[number];

/** A task as a store answers it. Numbers may be texts. What comes from users is JSON: PostgreSQL refuses NUL characters. */
export type TaskFields = Readonly<Partial<Record<FieldName, string | number | null>>>;

/** What never changes about a task, as JSON in `task`. */
export interface FixedPart extends Pick<NewTask, 'owner' | 'slaMs' | 'ttlMs' | 'webhookUrl'> {
  readonly parametersDigest: string;
  readonly retryAttempts: number;
  readonly delayMs: number;
  readonly inputTimeoutMs: number;
}

/** The record, or one of a task that has failed for not being readable; undefined when it has expired by `now`. */
export function fieldsToRecord(fields: TaskFields, now: number): TaskRecord | undefined {
  const record = readOrFail(fields);
  return record.status === 'processing' || record.expiresAt > now ? record : undefined;
}

/** @throws InvalidRecordError */
export function fixedPart({ task }: TaskFields): FixedPart {
  const part = parseFields(String(task)) as unknown as FixedPart;
  checkTypes('string', part.owner, part.parametersDigest);
  checkTypes('number', part.slaMs, part.ttlMs, part.retryAttempts, part.inputTimeoutMs);
  return part;
}

/** @throws InvalidRecordError */
export function questionsOfFields({ questions }: TaskFields): Questions {
  return optional(questions, parseQuestions) ?? [];
}

export function isRunBy({ status, worker }: TaskFields, token: string): boolean {
  return status === 'processing' && worker === token;
}

function readOrFail(fields: TaskFields): TaskRecord {
  try {
    return readRecord(fields);
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error;
    const { startedAt, runCount } = fields;
    const [createdAt, updatedAt] = [Number(fields.createdAt), Number(fields.updatedAt)];
    const times = { createdAt, updatedAt, expiresAt: Number(fields.expiresAt) };
    const known = { startedAt: optional(startedAt, Number), runCount: Number(runCount) };
    return unreadableRecord({ taskRef: String(fields.taskRef), ...times, ...known });
  }
}

function readRecord(fields: TaskFields): TaskRecord {
  const { owner, parametersDigest, slaMs, retryAttempts, webhookUrl } = fixedPart(fields);
  const taskRef = String(fields.taskRef);
  const status = fields.status as RecordStatus;
  checkStatus(status);
  const questions = questionsOfFields(fields);
  return {
    taskRef,
    owner,
    operation: operationOf(taskRef) ?? '',
    status,
    parametersDigest,
    createdAt: Number(fields.createdAt),
    updatedAt: Number(fields.updatedAt),
    startedAt: optional(fields.startedAt, Number),
    endedAt: optional(fields.endedAt, Number),
    expiresAt: Number(fields.expiresAt),
    slaMs,
    runCount: Number(fields.runCount),
    retryAttempts,
    excusedRuns: Number(fields.excusedRuns),
    inputRequests: isEnded({ status }) ? undefined : openRequests(questions),
    waitedMs: Number(fields.waitedMs),
    webhookUrl,
    delivery: optional(fields.delivery, parseFields) as TaskRecord['delivery'],
    progress: optional(fields.progress, parseFields) as TaskRecord['progress'],
    result: optional(fields.result, parseStored),
    error: optional(fields.error, parseError),
  };
}

function optional<Value>(
  value: string | number | null | undefined,
  read: (text: string) => Value,
): Value | undefined {
  return value === null || value === undefined ? undefined : read(String(value));
}
