import type { z } from 'zod';
import type { Progress, TaskError } from '../types.js';

/** What an operation gets besides its input. */
export interface OperationContext {
  /** Aborts when the task is cancelled, its SLA has passed or the worker stops. Its reason says which. */
  readonly signal: AbortSignal;
  readonly taskRef: string;
  /** Tells how far the work is: a fraction from 0 to 1, or counts with a message. Call it as often as you like. */
  progress(progress: number | ProgressReport): void;
}

/** Units done, of how many, and a sentence about it. */
export interface ProgressReport {
  readonly current: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** A kind of background work that the server offers. */
export interface Operation<Input extends z.ZodType = z.ZodType, Output = unknown> {
  /** Lower case words with underscores: `resize_image`. */
  readonly name: string;
  /** For the model that chooses it: what it does and what it returns. */
  readonly description: string;
  /**
   * Parsed once, by the server that accepts the call, never by the worker: what it outputs must be JSON, and a
   * transform may freeze what depends on that server, such as a path made absolute.
   */
  readonly input: Input;
  /** What the result must match; a result that does not fails the task with `INVALID_OUTPUT`. */
  readonly output?: z.ZodType<Output> | undefined;
  /** Longest run time in seconds. A call may ask for less, never for more. */
  readonly slaSeconds: number;
  /** Does the work and returns a JSON value. Throw an `OperationError` to choose the code that the caller sees. */
  run(input: z.output<Input>, context: OperationContext): Promise<Output>;
}

/** A failure that the caller of a task can read: its code, message and whether trying again may help. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: string;
  readonly retryable: boolean;

  /** @param code stable and upper case, such as `UPSTREAM_BUSY` */
  constructor(
    code: string,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }

  toTaskError(): Required<TaskError> {
    return { code: this.code, message: this.message, retryable: this.retryable };
  }
}

export function toProgress(report: number | ProgressReport): Progress {
  if (typeof report === 'number') return { progress: report, total: 1 };
  const { current, total, message } = report;
  return {
    progress: current,
    ...(total !== undefined && { total }),
    ...(message !== undefined && { message }),
  };
}
