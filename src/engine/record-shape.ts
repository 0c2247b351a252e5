import type { TaskError } from '../types.js';
import type { Questions } from './question.js';
import { isEnded, type TaskRecord } from './task-record.js';

/** What the store holds of a task makes no sense to this version: another wrote it, or something else changed it. */
export class InvalidRecordError extends Error {
  override readonly name = 'InvalidRecordError';
}

export const INVALID_RECORD = {
  code: 'INVALID_RECORD',
  message:
    'What the store holds of the task cannot be read: another version of mcp-await wrote it, or something else changed it. Start the task again if it may be repeated.',
  retryable: false,
} satisfies TaskError;

/** Of a record that does not even tell whose the task is; no principal has this name. */
export const UNKNOWN_OWNER = '';

/** Whether all that is known of a task is that its record cannot be read. */
export function isInvalid({ error }: Pick<TaskRecord, 'error'>): boolean {
  return error?.code === INVALID_RECORD.code;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws InvalidRecordError */
export function parseStored(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidRecordError('A field is no JSON.', { cause });
  }
}

/** @throws InvalidRecordError */
export function parseFields(text: string): Fields {
  return fieldsOf(parseStored(text));
}

/** @throws InvalidRecordError */
export function parseQuestions(text: string): Questions {
  const questions = parseStored(text);
  if (!Array.isArray(questions)) throw new InvalidRecordError('The questions are no list.');
  for (const question of questions) {
    const { key, request, askedAt, until } = fieldsOf(question);
    checkTypes('string', key);
    checkTypes('number', askedAt, until);
    fieldsOf(request);
  }
  return questions;
}

/** @throws InvalidRecordError */
export function parseError(text: string): Required<TaskError> {
  const error = parseFields(text);
  checkTypes('string', error.code, error.message);
  return error as unknown as Required<TaskError>;
}

/** @throws InvalidRecordError */
export function checkStatus(status: TaskRecord['status']): void {
  if (isEnded({ status }) === undefined) throw new InvalidRecordError('The status is none.');
}

/** @throws InvalidRecordError */
export function checkTypes(type: 'string' | 'number', ...values: readonly unknown[]): void {
  if (values.some(value => typeof value !== type)) throw new InvalidRecordError(`A field is no ${type}.`);
}

function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new InvalidRecordError('A field is no object.');
}
