import { isSurelyLarger } from '../storage/large-json.js';
import type { TaskError } from '../types.js';
import type { Execution } from './engine.js';

/** The end of a task as an engine stores it: both fields are JSON texts, exactly one is set. */
export type StorableEnd =
  | { readonly status: 'completed'; readonly result: string; readonly error: null }
  | { readonly status: 'failed'; readonly result: null; readonly error: string };

/** A result that is larger than the limit by more is not counted to its end. */
const UNCOUNTED_BYTES = 1024 * 1024;

/** An execution's end, or why its result cannot be kept: it is no JSON, or larger than `maxResultBytes`. */
export function toStorableEnd(execution: Execution, maxResultBytes: number): StorableEnd {
  if (execution.status === 'failed') return failedEnd(execution.error);
  let result: string;
  try {
    // Its JSON would be a second copy of what is thrown away.
    const farAbove = maxResultBytes + UNCOUNTED_BYTES;
    if (isSurelyLarger(execution.result, farAbove))
      return tooLarge(`more than ${farAbove} bytes`, maxResultBytes);
    // What JSON has no word for at all, such as undefined, is stored as null.
    result = JSON.stringify(execution.result) ?? 'null';
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The result is no JSON value: ${reason}`;
    return failedEnd({ code: 'INVALID_RESULT', message, retryable: false });
  }
  const bytes = Buffer.byteLength(result);
  if (bytes <= maxResultBytes) return { status: 'completed', result, error: null };
  return tooLarge(`${bytes} bytes`, maxResultBytes);
}

function tooLarge(size: string, maxResultBytes: number): StorableEnd {
  const message = `The result has ${size} of JSON, more than the ${maxResultBytes} that this server keeps.`;
  return failedEnd({ code: 'RESULT_TOO_LARGE', message, retryable: false });
}

export function failedEnd({ code, message, retryable }: Required<TaskError>): StorableEnd {
  return { status: 'failed', result: null, error: JSON.stringify({ code, message, retryable }) };
}
