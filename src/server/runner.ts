import pRetry from 'p-retry';
import type { ClaimedTask, Execute, Execution, ExecutionContext } from '../engine/engine.js';
import { isSurelyLarger } from '../storage/large-json.js';
import { formatDuration } from '../time/duration.js';
import { linkSignals, untilAborted } from '../time/signals.js';
import { startTimer } from '../time/sleep.js';
import type { TaskError } from '../types.js';
import { describeIssues } from './describe-issues.js';
import { createElicit } from './elicit.js';
import { checkerOf } from './input-answers.js';
import {
  isOperationError,
  type Operation,
  type OperationContext,
  OperationError,
  operationsByName,
  toProgress,
} from './operation.js';
import { jsonSchema } from './tools/server-tool.js';

/** Counts the time that a run takes, without the time that it waits for answers. */
class SlaClock {
  readonly #onExceeded: () => void;
  #remainingMs: number;
  /** Undefined while it does not count. */
  #countsSince: number | undefined;
  #pauseCount = 0;
  #isStopped = false;
  #stopTimer = () => {};

  constructor(slaMs: number, onExceeded: () => void) {
    this.#onExceeded = onExceeded;
    this.#remainingMs = slaMs;
    this.#resume();
  }

  get remainingMs(): number {
    if (this.#countsSince === undefined) return this.#remainingMs;
    return this.#remainingMs - (performance.now() - this.#countsSince);
  }

  /** The time that `work` takes does not count. */
  async without<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#pauseCount++ === 0) this.#pause();
    try {
      return await work();
    } finally {
      if (--this.#pauseCount === 0) this.#resume();
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#pause();
  }

  #pause(): void {
    this.#stopTimer();
    this.#remainingMs = this.remainingMs;
    this.#countsSince = undefined;
  }

  #resume(): void {
    if (this.#isStopped) return;
    this.#countsSince = performance.now();
    this.#stopTimer = startTimer(Math.max(0, this.#remainingMs), this.#onExceeded);
  }
}

const FIRST_BACKOFF_MS = 1000;
const MAX_CHECKED_BYTES = 1024 * 1024;

interface RepeatOptions {
  /** How many times the work is done again at most. */
  readonly retries: number;
  readonly signal: AbortSignal;
  /** Milliseconds that are left to the task; no repetition begins after them. */
  readonly remainingMs: () => number;
}

/**
 * What an engine's worker calls to run a task of one of `operations`. It ends when the operation ends, when the SLA
 * has passed or when the engine aborts, whichever comes first, also if the operation ignores its signal. Within the
 * SLA, an operation that fails with a retryable `OperationError` is run again where the task allows it.
 *
 * @throws ConfigurationError when two operations have the same name.
 */
export function createExecute(operations: readonly Operation[]): Execute {
  const byName = operationsByName(operations);
  const misfits = new Map(operations.map(operation => [operation.name, parametersChecker(operation)]));
  return async (task, context) => {
    const { operation: name } = task.record;
    const operation = byName.get(name);
    if (operation === undefined) return { status: 'failed', error: unknownOperation(name).toTaskError() };
    const misfit = await misfits.get(name)?.(task.parameters);
    return misfit === undefined
      ? runWithinSla(operation, task, context)
      : { status: 'failed', error: unfitParameters(operation, misfit).toTaskError() };
  };
}

/**
 * What tells why parameters from the store are not what the operation's input schema puts out, undefined where they are.
 * Its JSON Schema is asked first: the schema itself may reject what it has put out, as it takes input.
 */
function parametersChecker({ input }: Operation): (parameters: unknown) => Promise<string | undefined> {
  let check: ReturnType<typeof checkerOf> | undefined;
  return async parameters => {
    try {
      check ??= checkerOf(jsonSchema(input, 'output'));
    } catch {
      // JSON Schema has no words for it.
      check = () => undefined;
    }
    if (check(parameters) === undefined) return undefined;
    // A store keeps null for what is undefined.
    const parsed = await input.safeParseAsync(parameters ?? undefined);
    return parsed.success ? undefined : describeIssues(parsed.error);
  };
}

async function runWithinSla(
  operation: Operation,
  { record, parameters }: ClaimedTask,
  context: ExecutionContext,
): Promise<Execution> {
  const sla = new AbortController();
  const clock = new SlaClock(record.slaMs, () => sla.abort(slaExceeded(operation, record.slaMs)));
  using linked = linkSignals(context.signal, sla.signal);
  const { signal } = linked;
  let ended = false;
  const attemptContext = (): OperationContext => ({
    signal,
    taskRef: record.taskRef,
    progress(report) {
      const progress = toProgress(report);
      if (!ended && progress !== undefined) context.reportProgress(progress);
    },
    elicit: createElicit({
      operation: operation.name,
      ask: asked => clock.without(() => untilAborted(context.ask(asked), signal)),
    }),
  });
  try {
    signal.throwIfAborted();
    const runs = repeatRun(() => runChecked(operation, parameters, attemptContext()), {
      // Runs that were lost with their worker count.
      retries: Math.max(0, record.retryAttempts - (record.runCount - 1 - record.excusedRuns)),
      signal,
      remainingMs: () => clock.remainingMs,
    });
    const result = await untilAborted(runs, signal);
    return { status: 'completed', result };
  } catch (error) {
    const stopped = context.signal.aborted && error === context.signal.reason;
    return { status: 'failed', error: stopped ? toStopError(error) : toTaskError(error) };
  } finally {
    ended = true;
    clock.stop();
  }
}

async function runChecked(
  operation: Operation,
  parameters: unknown,
  context: OperationContext,
): Promise<unknown> {
  const result = await operation.run(parameters, context);
  const checked = await operation.output?.safeParseAsync(result);
  if (checked?.success === false) {
    const issues = checked.error.issues.map(issue => `${issue.path.join('.') || 'result'}: ${issue.message}`);
    throw invalidOutput(operation, `does not match its output schema (${issues.join('; ')})`);
  }
  if (result === undefined) return null;
  if (!isJson(result)) throw invalidOutput(operation, 'is no JSON value');
  return result;
}

/** Of a large value the engine finds out when it stores it: the JSON here would be one more copy. */
function isJson(value: unknown): boolean {
  try {
    return isSurelyLarger(value, MAX_CHECKED_BYTES) || JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

function toTaskError(error: unknown): Required<TaskError> {
  if (isOperationError(error)) {
    return { code: error.code, message: error.message, retryable: error.retryable };
  }
  const message = error instanceof Error ? error.message || error.name : String(error);
  return { code: 'OPERATION_FAILED', message, retryable: false };
}

/** A cancelled task is final already, so all that the engine can still mean is that its worker lets go. */
function toStopError(reason: unknown): Required<TaskError> {
  if (isOperationError(reason)) return toTaskError(reason);
  const message = 'The worker stopped before the task ended: start it again';
  return { code: 'WORKER_STOPPED', message, retryable: true };
}

function unknownOperation(name: string): OperationError {
  return new OperationError('UNKNOWN_OPERATION', `This worker has no operation named ${name}`);
}

function unfitParameters({ name }: Operation, misfit: string): OperationError {
  const message = `The stored parameters do not fit the operation ${name} of this worker: ${misfit}`;
  return new OperationError('INVALID_PARAMETERS', message);
}

function slaExceeded({ name }: Operation, slaMs: number): OperationError {
  const message = `Operation ${name} did not end within its SLA of ${formatDuration(slaMs)}`;
  return new OperationError('SLA_EXCEEDED', message, { retryable: true });
}

function invalidOutput({ name }: Operation, problem: string): OperationError {
  return new OperationError('INVALID_OUTPUT', `The result of operation ${name} ${problem}`);
}

/**
 * Does the work again, after 1 s, 2 s, 4 s …, while it fails with a retryable `OperationError` and time is left.
 * @throws the last error; the signal's reason when it aborts
 */
async function repeatRun(work: () => Promise<unknown>, options: RepeatOptions): Promise<unknown> {
  const { retries, signal, remainingMs } = options;
  const outcome = await pRetry<{ readonly value: unknown } | { readonly error: unknown }>(
    async () => {
      try {
        return { value: await work() };
      } catch (error) {
        // What is not worth another try is none of p-retry's business: it has views of its own on some errors.
        if (!isWorthRepeating(error)) return { error };
        throw error;
      }
    },
    {
      retries,
      minTimeout: FIRST_BACKOFF_MS,
      signal,
      shouldRetry: ({ retriesConsumed }) => FIRST_BACKOFF_MS * 2 ** retriesConsumed < remainingMs(),
    },
  );
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

function isWorthRepeating(error: unknown): boolean {
  return isOperationError(error) && error.retryable === true && error.code !== 'SLA_EXCEEDED';
}
