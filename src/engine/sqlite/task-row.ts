import { openRequests, type Questions } from '../question.js';
import {
  checkStatus,
  INVALID_RECORD,
  InvalidRecordError,
  parseError,
  parseFields,
  parseQuestions,
  parseStored,
} from '../record-shape.js';
import type { RecordStatus, TaskRecord } from '../task-record.js';

/** What a record is made of, as the driver returns it from the table `tasks`. */
export interface TaskRow {
  readonly task_ref: string;
  readonly owner: string;
  readonly operation: string;
  readonly parameters_digest: string;
  readonly status: RecordStatus;
  readonly created_at: number;
  readonly updated_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly expires_at: number;
  readonly sla_ms: number;
  readonly run_count: number;
  readonly retry_attempts: number;
  readonly excused_runs: number;
  readonly waited_ms: number;
  /** JSON of `Questions`. */
  readonly questions: string | null;
  readonly webhook_url: string | null;
  readonly delivery: string | null;
  readonly progress: string | null;
  readonly result: string | null;
  readonly error: string | null;
}

/** Of a row that cannot be read, a task that has failed for that. */
export function toRecord(row: TaskRow): TaskRecord {
  try {
    return readRecord(row);
  } catch (error) {
    if (error instanceof InvalidRecordError) return invalidRecord(row);
    throw error;
  }
}

export function invalidRecord(row: TaskRow): TaskRecord {
  const sound = { ...row, questions: null, delivery: null, progress: null, result: null, error: null };
  const endedAt = row.ended_at ?? row.updated_at;
  return { ...readRecord({ ...sound, status: 'failed' }), endedAt, error: INVALID_RECORD };
}

function readRecord(row: TaskRow): TaskRecord {
  checkStatus(row.status);
  return {
    taskRef: row.task_ref,
    owner: row.owner,
    operation: row.operation,
    status: row.status,
    parametersDigest: row.parameters_digest,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    expiresAt: row.expires_at,
    slaMs: row.sla_ms,
    runCount: row.run_count,
    retryAttempts: row.retry_attempts,
    excusedRuns: row.excused_runs,
    inputRequests: row.questions === null ? undefined : openRequests(readQuestions(row)),
    waitedMs: row.waited_ms,
    webhookUrl: row.webhook_url ?? undefined,
    delivery: optional(row.delivery, parseFields) as TaskRecord['delivery'],
    progress: optional(row.progress, parseFields) as TaskRecord['progress'],
    result: optional(row.result, parseStored),
    error: optional(row.error, parseError),
  };
}

/** @throws InvalidRecordError */
export function readQuestions({ questions }: Pick<TaskRow, 'questions'>): Questions {
  return questions === null ? [] : parseQuestions(questions);
}

/** Whether the record has not expired: a task that runs does not, any other does on the millisecond. */
export function isKnown({ status, expires_at }: TaskRow, now: number): boolean {
  return expires_at > now || status === 'processing';
}

function optional<Value>(json: string | null, parse: (json: string) => Value): Value | undefined {
  return json === null ? undefined : parse(json);
}
