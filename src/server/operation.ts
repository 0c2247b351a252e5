import type { z } from 'zod';
import type { RequestedSchema } from '../engine/question.js';
import { ConfigurationError } from '../errors.js';
import type { Progress, TaskError } from '../types.js';
import { type OptionNames, refuseUnknownOptions } from '../unknown-option.js';
import { sections } from './config/config-schema.js';
import { settingValues } from './config/setting-values.js';

/** What an operation gets besides its input. */
export interface OperationContext {
  /** Aborts when the task is cancelled, its SLA has passed or the worker stops. Its reason says which. */
  readonly signal: AbortSignal;
  readonly taskRef: string;
  /** Tells how far the work is: a fraction from 0 to 1, or counts with a message. Call it as often as you like. */
  progress(progress: number | ProgressReport): void;
  /**
   * Asks a person and waits for the answer, for hours if need be: that time is no part of the SLA. Question and answer
   * live in the store. A run that is lost or stopped while it waits is run again from its start, whatever
   * `retryAttempts` says, and what it asks again in the same order and words is answered from the store: so what comes
   * before a question must be harmless to repeat.
   *
   * @param schema an object with strings, numbers, booleans and choices, as zod 4 or JSON Schema
   * @throws OperationError `INPUT_TIMEOUT` when nobody answers within the server's `inputTimeoutSeconds`
   * @example
   * const answer = await elicit(z.object({ confirm: z.boolean() }), `Delete ${count} files?`);
   * if (answer.action !== 'accept' || !answer.content.confirm) return { deleted: 0 };
   */
  elicit<Schema extends z.ZodObject>(
    schema: Schema,
    message: string,
  ): Promise<ElicitAnswer<z.output<Schema>>>;
  elicit(
    schema: RequestedSchema,
    message: string,
  ): Promise<ElicitAnswer<Readonly<Record<string, string | number | boolean | readonly string[]>>>>;
}

/** What a person answered: `decline` is a no, `cancel` means that the question was put away. */
export type ElicitAnswer<Content> =
  | { readonly action: 'accept'; readonly content: Content }
  | { readonly action: 'decline' | 'cancel' };

/** Units done, of how many, and a sentence about it. */
export interface ProgressReport {
  readonly current: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** A kind of background work that the server offers. */
export interface Operation<Input extends z.ZodType = z.ZodType, Output = unknown> {
  /** Lower case words with underscores, at most 64 characters: `resize_image`. */
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
  /**
   * Longest run time in seconds. A call may ask for less, never for more.
   * @default the server's `defaultTimeoutSeconds`
   */
  readonly slaSeconds?: number | undefined;
  /**
   * How many times a run is followed by another, 0 to 10: when its worker died or was stopped, and, after 1 s, 2 s,
   * 4 s … within the SLA, when it failed with a retryable `OperationError`. Only for work that may be done twice.
   * @default the server's `retryAttempts`, which is 0: at most one run
   */
  readonly retryAttempts?: number | undefined;
  /** Does the work and returns a JSON value. Throw an `OperationError` to choose the code that the caller sees. */
  run(input: z.output<Input>, context: OperationContext): Promise<Output>;
}

const operationFields: OptionNames<Operation> = {
  name: true,
  description: true,
  input: true,
  output: true,
  slaSeconds: true,
  retryAttempts: true,
  run: true,
};

const OPERATION_NAME = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
/** It is part of every reference of its tasks. */
const MAX_NAME = 64;

/**
 * Checks an operation and returns it as it is, with its types inferred.
 *
 * @throws ConfigurationError when a field is not usable.
 * @example
 * ```ts
 * const resizeImage = defineOperation({
 *   name: 'resize_image',
 *   description: 'Resizes an image and returns the URL of the copy.',
 *   input: z.object({ url: z.url(), width: z.number().int().positive() }),
 *   slaSeconds: 120,
 *   async run({ url, width }, { signal, progress }) {
 *     const image = await download(url, { signal });
 *     progress(0.5);
 *     return { url: await store(await image.resize(width)) };
 *   },
 * });
 * ```
 */
export function defineOperation<Input extends z.ZodType, Output>(
  options: Operation<Input, Output>,
): Operation<Input, Output> {
  expectThat(typeof options === 'object' && options !== null, 'the operation to be an object', options);
  refuseUnknownOptions('An operation', options, operationFields);
  const { name, description, input, output, slaSeconds, retryAttempts, run } = options;
  expectThat(
    typeof name === 'string' && OPERATION_NAME.test(name),
    '`name` to be lower-case words with underscores',
    name,
  );
  expectThat(name.length <= MAX_NAME, `\`name\` to have at most ${MAX_NAME} characters`, name);
  expectThat(
    typeof description === 'string' && description.trim() !== '',
    '`description` to be a sentence',
    description,
  );
  expectThat(isSchema(input), '`input` to be a zod 4 schema', input);
  expectThat(output === undefined || isSchema(output), '`output` to be a zod 4 schema', output);
  expectThat(
    slaSeconds === undefined || (Number.isFinite(slaSeconds) && slaSeconds > 0),
    '`slaSeconds` to be a positive number',
    slaSeconds,
  );
  settingValues({ retryAttempts: sections.execution.retryAttempts }, { retryAttempts });
  expectThat(typeof run === 'function', '`run` to be a function', run);
  return options;
}

/**
 * The operations by their names.
 * @throws ConfigurationError when two have the same name.
 */
export function operationsByName(operations: readonly Operation[]): ReadonlyMap<string, Operation> {
  const byName = new Map<string, Operation>();
  for (const operation of operations) {
    if (byName.has(operation.name)) {
      throw new ConfigurationError(`Two operations are named ${operation.name}: rename one of them`);
    }
    byName.set(operation.name, operation);
  }
  return byName;
}

/** By shape, not by class: an operations file may bring its own copy of zod. */
export function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_zod' in value;
}

function expectThat(condition: boolean, expectation: string, value: unknown): void {
  if (condition) return;
  const got =
    typeof value === 'string' ? JSON.stringify(value) : typeof value === 'number' ? value : typeOf(value);
  throw new ConfigurationError(`Expected ${expectation}, got ${got}`);
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
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

/** What JSON and the tools' schemas can hold of a report; undefined where nothing is left. */
export function toProgress(report: number | ProgressReport): Progress | undefined {
  if (typeof report === 'number') return fraction(report);
  if (typeof report !== 'object' || report === null || !Number.isFinite(report.current)) return undefined;
  const { current, total, message } = report;
  return {
    progress: current,
    ...(Number.isFinite(total) && { total: Number(total) }),
    ...(typeof message === 'string' && { message }),
  };
}

/** 0 of 0 files is NaN, for which JSON has no word. */
function fraction(value: number): Progress | undefined {
  return Number.isFinite(value) ? { progress: value, total: 1 } : undefined;
}

/** By shape, not by class: an operations file may bring its own copy of this package. */
export function isOperationError(error: unknown): error is OperationError {
  return error instanceof Error && error.name === 'OperationError' && 'code' in error && 'retryable' in error;
}
