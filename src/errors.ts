import type { Snapshot, TaskReference } from './types.js';

export interface AwaitErrorOptions {
  /** The tool that was called. */
  readonly tool?: string | undefined;
  /** The task that it is about. Hand it to `resumeTask` or to `mcp-await wait`: the task may still be running. */
  readonly reference?: TaskReference | undefined;
  /** The last thing known of the task. */
  readonly snapshot?: Snapshot | undefined;
  readonly cause?: unknown;
}

/** Another installed copy of this library, or another version, makes errors of other classes with the same brand. */
const BRAND = Symbol.for('mcp-await.error');

/**
 * What every error of this library is: something went wrong on our side of the wire. A task that failed on the
 * server is not an error but a `CallToolResult` with `isError: true`.
 */
export abstract class AwaitError extends Error {
  static {
    // On the prototype, so that it is no field of an error that is printed.
    Object.defineProperty(AwaitError.prototype, BRAND, { value: true });
  }

  /** Stable across releases; branch on this. */
  abstract readonly code: string;
  readonly tool: string | undefined;
  readonly reference: TaskReference | undefined;
  readonly snapshot: Snapshot | undefined;

  constructor(message: string, options: AwaitErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.tool = options.tool;
    this.reference = options.reference;
    this.snapshot = options.snapshot;
  }
}

/** An option, a target or a configuration file is not usable. Nothing was sent. */
export class ConfigurationError extends AwaitError {
  override readonly name = 'ConfigurationError';
  readonly code = 'CONFIGURATION';
}

/** Which budget of ours ran out. */
export type TimeoutBudget = 'deadline' | 'attempts' | 'silence';

/** Our own budget for waiting is spent. The task may still be running: `reference` resumes it. */
export class AwaitTimeoutError extends AwaitError {
  override readonly name = 'AwaitTimeoutError';
  readonly code = 'AWAIT_TIMEOUT';
  readonly budget: TimeoutBudget;

  constructor(message: string, options: AwaitErrorOptions & { readonly budget: TimeoutBudget }) {
    super(message, options);
    this.budget = options.budget;
  }
}

/** The caller's signal ended the wait, or the client was closed. A task of its own keeps running unless `cancelOnAbort` is set. */
export class AwaitAbortedError extends AwaitError {
  override readonly name = 'AwaitAbortedError';
  readonly code = 'ABORTED';
}

/** `detach()` ended the wait on purpose. The task keeps running. */
export class AwaitDetachedError extends AwaitError {
  override readonly name = 'AwaitDetachedError';
  readonly code = 'DETACHED';
}

/** The server does not know the task: the reference is wrong, somebody else's, or expired. */
export class TaskNotFoundError extends AwaitError {
  override readonly name = 'TaskNotFoundError';
  readonly code = 'TASK_NOT_FOUND';
}

/** The server could not be reached, or contact was lost for good. Says nothing about the task. */
export class ServerUnavailableError extends AwaitError {
  override readonly name = 'ServerUnavailableError';
  readonly code = 'SERVER_UNAVAILABLE';
}

/** The server wants authorization that there is not, or refuses what there is. It has not looked at the request. */
export class AuthorizationError extends AwaitError {
  override readonly name = 'AuthorizationError';
  readonly code = 'AUTHORIZATION';
  /**
   * Where somebody was sent to authorize: takes the URL that they came back to, whose `state` and `iss` are checked, or
   * the code in it. Once it has resolved, connect or call again, or resume the task. Undefined where nobody was sent.
   * @throws AuthorizationError when the answer is not to this request, or the authorization was refused
   */
  readonly finishAuth: ((answer: string | URL) => Promise<void>) | undefined;

  constructor(
    message: string,
    options: AwaitErrorOptions & { readonly finishAuth?: AuthorizationError['finishAuth'] } = {},
  ) {
    super(message, options);
    this.finishAuth = options.finishAuth;
  }
}

/** The call was sent and contact was lost before the answer: the job may or may not have started. */
export class OutcomeUnknownError extends AwaitError {
  override readonly name = 'OutcomeUnknownError';
  readonly code = 'OUTCOME_UNKNOWN';
}

/** The server answered something its protocol does not allow. */
export class ProtocolViolationError extends AwaitError {
  override readonly name = 'ProtocolViolationError';
  readonly code = 'PROTOCOL_VIOLATION';
}

/** The status or cancel tool itself reported an error. Says nothing about the task, which may still be running. */
export class StatusCheckError extends AwaitError {
  override readonly name = 'StatusCheckError';
  readonly code = 'STATUS_CHECK_FAILED';
  /** Whether the same status request may succeed later; if so it has been repeated already. */
  readonly retryable: boolean;
  /** Milliseconds that the server asked to wait before it is asked again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: AwaitErrorOptions & { readonly retryable: boolean; readonly retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The circuit breaker holds calls of the tool back: too many of the last ones failed or were too slow. Nothing was sent. */
export class CircuitOpenError extends AwaitError {
  override readonly name = 'CircuitOpenError';
  readonly code = 'CIRCUIT_OPEN';
  /** When the next call is tried; ISO 8601. */
  readonly retryAt: string;

  constructor(message: string, options: AwaitErrorOptions & { readonly retryAt: string }) {
    super(message, options);
    this.retryAt = options.retryAt;
  }
}

/** What a task asks, in MCP's words. */
export interface AskedQuestion {
  /** `elicitation/create`, `sampling/createMessage` or `roots/list`. */
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The task asks something, and nobody is there to answer it. The task waits for the answer: `reference` resumes it. */
export class InputRequiredError extends AwaitError {
  override readonly name = 'InputRequiredError';
  readonly code = 'INPUT_REQUIRED';
  /** What it asks, as far as the server tells. */
  readonly questions: readonly AskedQuestion[];

  constructor(
    message: string,
    options: AwaitErrorOptions & { readonly questions?: readonly AskedQuestion[] | undefined },
  ) {
    super(message, options);
    this.questions = options.questions ?? [];
  }
}

/** The server has no way to do what was asked, such as to cancel this task. */
export class NotSupportedError extends AwaitError {
  override readonly name = 'NotSupportedError';
  readonly code = 'NOT_SUPPORTED';
}

type AnyAwaitError =
  | AuthorizationError
  | AwaitAbortedError
  | AwaitDetachedError
  | AwaitTimeoutError
  | CircuitOpenError
  | ConfigurationError
  | InputRequiredError
  | NotSupportedError
  | OutcomeUnknownError
  | ProtocolViolationError
  | ServerUnavailableError
  | StatusCheckError
  | TaskNotFoundError;

/** The code of an error of this library: its `code`. */
export type AwaitErrorCode = AnyAwaitError['code'];

/**
 * Whether something that was thrown is an error of this library, and of one code if that is given. Unlike `instanceof`, it also
 * knows the errors of another installed copy.
 *
 * @example
 * if (isAwaitError(error, 'AWAIT_TIMEOUT')) console.log(error.budget, error.reference);
 */
export function isAwaitError(error: unknown): error is AnyAwaitError;
export function isAwaitError<Code extends AwaitErrorCode>(
  error: unknown,
  code: Code,
): error is Extract<AnyAwaitError, { readonly code: Code }>;
export function isAwaitError(error: unknown, code?: AwaitErrorCode): boolean {
  if (!(error instanceof Error && BRAND in error && 'code' in error)) return false;
  return code === undefined || error.code === code;
}
