import { StoreFailure } from '../engine/store-failure.js';
import { InvalidCursorError } from '../engine/task-list.js';
import type { TaskError } from '../types.js';

/** A call that one of our tools refuses. The caller gets it as a tool error with the same facts as data. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }

  toTaskError(): Required<TaskError> {
    return { code: this.code, message: this.message, retryable: this.retryable };
  }
}

/** @throws what is no failure that a caller could understand */
export function toFailure(error: unknown): ToolFailure {
  if (error instanceof ToolFailure) return error;
  if (error instanceof StoreFailure) return new ToolFailure('STORE_UNAVAILABLE', error.message, true);
  if (error instanceof InvalidCursorError) return new ToolFailure('INVALID_ARGUMENTS', error.message);
  throw error;
}
