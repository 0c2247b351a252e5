import { McpError } from '@modelcontextprotocol/sdk/types.js';
import {
  AuthorizationError,
  AwaitAbortedError,
  AwaitDetachedError,
  AwaitError,
  type AwaitErrorOptions,
  AwaitTimeoutError,
  InputRequiredError,
  OutcomeUnknownError,
  ProtocolViolationError,
  ServerUnavailableError,
  StatusCheckError,
} from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { TaskQuestion, ToolPlan } from '../../protocols/protocol.js';
import { formatDuration } from '../../time/duration.js';
import { UnansweredError } from '../input/pending-questions.js';
import type { ResolvedWaitOptions } from '../options.js';
import { classifyFailure, isTransient, messageOf, refusedStatus } from './failure.js';

/**
 * How far a call has come: not sent yet; a synchronous call under way; a call under way that may be synchronous or a
 * start; a start under way; a task with a reference.
 */
export type Stage = 'planning' | 'blocking' | 'unanswered' | 'starting' | 'accepted';

/** Facts that every message about one call can draw on. */
export interface CallFacts extends AwaitErrorOptions {
  readonly tool: string;
  readonly stage: Stage;
}

/** Makes the error of an end from what is known of the call by then. */
export type EndReason = (facts: CallFacts) => AwaitError;

export function aborted(facts: CallFacts, reason: unknown, cancelling: boolean): AwaitAbortedError {
  return new AwaitAbortedError(`The wait for \`${facts.tool}\` was aborted. ${fateOf(facts, cancelling)}`, {
    ...facts,
    cause: reason,
  });
}

export function closed(facts: CallFacts): AwaitAbortedError {
  return new AwaitAbortedError(
    `The client was closed while \`${facts.tool}\` was awaited. ${fateOf(facts)}`,
    facts,
  );
}

export function cancelled(facts: CallFacts): AwaitAbortedError {
  return new AwaitAbortedError(`The call of \`${facts.tool}\` was cancelled by cancel().`, facts);
}

export function detached(facts: CallFacts): AwaitDetachedError {
  return new AwaitDetachedError(
    `The wait for \`${facts.tool}\` was ended by detach(). ${fateOf(facts)}`,
    facts,
  );
}

export function deadlinePassed(facts: CallFacts, deadlineMs: number): AwaitTimeoutError {
  const message = `Gave up on \`${facts.tool}\` after ${formatDuration(deadlineMs)} (\`deadlineMs\`, --timeout). ${fateOf(facts)}`;
  return new AwaitTimeoutError(message, { ...facts, budget: 'deadline' });
}

export function attemptsSpent(facts: CallFacts, maxAttempts: number): AwaitTimeoutError {
  const elapsed = formatDuration(facts.snapshot?.elapsedMs ?? 0);
  return new AwaitTimeoutError(
    `Gave up on \`${facts.tool}\` after ${maxAttempts} status requests in ${elapsed} (\`maxAttempts\`, --max-attempts). ${fateOf(facts)}`,
    { ...facts, budget: 'attempts' },
  );
}

/** No handler answers the task's question. */
export function inputRequired(
  facts: CallFacts,
  questions: readonly TaskQuestion[],
  cause?: unknown,
): InputRequiredError {
  const said = questions.length > 0 ? questions.map(questionText).join(' · ') : facts.snapshot?.message;
  const why =
    cause === undefined || cause instanceof UnansweredError
      ? 'nobody is there to answer: give `onInput`'
      : `its answer could not be had (${messageOf(cause)})`;
  return new InputRequiredError(
    `\`${facts.tool}\` asks for input, and ${why}. It asks: ${excerpt(said ?? 'it does not say what')} The task waits for the answer: its reference resumes it.`,
    { ...facts, questions, cause },
  );
}

/** A question in its own words, after its method where that is not the usual one. */
function questionText({ method, params }: TaskQuestion): string {
  const { message } = params;
  const text = typeof message === 'string' ? message : JSON.stringify(params);
  return method === 'elicitation/create' ? text : `${method} ${text}`;
}

/** What was granted to a start. */
export interface StartLimits {
  readonly plan: Pick<ToolPlan, 'startKind'>;
  readonly wait: Pick<ResolvedWaitOptions, 'silenceTimeoutMs' | 'requestTimeoutMs'>;
}

/** What a start that failed means for the caller; an error that the server itself answered stays as it is. */
export function startFailure(error: unknown, facts: CallFacts, { plan, wait }: StartLimits): unknown {
  const { tool } = facts;
  const options = { ...facts, cause: error };
  if (wantsAuthorization(error)) return unauthorized(error, facts);
  switch (classifyFailure(error)) {
    case 'answered':
      return error instanceof McpError ? error : notCalled(error, facts);
    case 'ours':
      return withFacts(error, facts);
    case 'unreadable':
      return new ProtocolViolationError(
        `The answer to \`${tool}\` is no valid tool result: ${messageOf(error)}. The job may have started.`,
        options,
      );
    case 'unsent':
      return notCalled(error, facts);
    case 'timeout':
      return plan.startKind !== 'task'
        ? new AwaitTimeoutError(
            `\`${tool}\` was silent for ${formatDuration(wait.silenceTimeoutMs)} (\`silenceTimeoutMs\`, --silence-timeout), so the call was cancelled. Raise the limit if it may take longer.`,
            { ...options, budget: 'silence' },
          )
        : unknownOutcome(
            `the server did not answer within ${formatDuration(wait.requestTimeoutMs)} (\`requestTimeoutMs\`)`,
            options,
          );
    case 'closed':
    case 'lost':
      return unknownOutcome(`contact was lost before the answer (${messageOf(error)})`, options);
  }
}

/** The call did not reach the server. */
export function notCalled(error: unknown, facts: CallFacts): AwaitError {
  if (wantsAuthorization(error)) return unauthorized(error, facts);
  const failure = classifyFailure(error);
  if (failure === 'ours') return withFacts(error as AwaitError, facts);
  if (failure === 'unreadable') {
    return new ProtocolViolationError(
      `\`${facts.tool}\` was not called: the server's list of tools cannot be read (${messageOf(error)}).`,
      { ...facts, cause: error },
    );
  }
  const said = messageOf(error);
  const why =
    failure === 'answered'
      ? `the server refused the request (${said}). Check the server's address and the arguments`
      : `the server could not be reached (${said}). Check that it runs`;
  return new ServerUnavailableError(`\`${facts.tool}\` was not called: ${why}, then call again.`, {
    ...facts,
    cause: error,
  });
}

/** What a status request that failed for good means: contact is lost, the task is not. */
export function pollFailure(error: unknown, facts: CallFacts): AwaitError {
  if (wantsAuthorization(error)) return unauthorized(error, facts);
  const failure = classifyFailure(error);
  if (failure === 'answered' && error instanceof McpError) {
    return new StatusCheckError(
      `The server refused to tell the state of \`${facts.tool}\`: ${messageOf(error)}. ${fateOf(facts)}`,
      { ...facts, cause: error, retryable: isTransient(error) },
    );
  }
  switch (failure) {
    case 'ours':
      return withFacts(error as AwaitError, facts);
    case 'unreadable':
      return new ProtocolViolationError(
        `The status of \`${facts.tool}\` cannot be read: ${messageOf(error)}. ${fateOf(facts)}`,
        { ...facts, cause: error },
      );
    default:
      return new ServerUnavailableError(
        `Contact with the server was lost while \`${facts.tool}\` was awaited (${messageOf(error)}). ${fateOf(facts)}`,
        { ...facts, cause: error },
      );
  }
}

function wantsAuthorization(error: unknown): boolean {
  return error instanceof AuthorizationError || refusedStatus(error) !== undefined;
}

/** The server has not looked at the request. Many calls may share the error, and each has a task of its own. */
function unauthorized(error: unknown, facts: CallFacts): AuthorizationError {
  const isKnown = error instanceof AuthorizationError;
  const why = isKnown
    ? error.message
    : `The server wants authorization (HTTP ${refusedStatus(error)}): give it another \`Authorization\` header, or an \`authProvider\`.`;
  const fate = facts.stage === 'accepted' ? fateOf(facts) : `\`${facts.tool}\` was not called.`;
  return new AuthorizationError(`${why} ${fate}`, {
    ...facts,
    ...(isKnown ? { finishAuth: error.finishAuth, cause: error.cause } : { cause: error }),
  });
}

function unknownOutcome(what: string, options: CallFacts): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `\`${options.tool}\` was called, but ${what}: the job may or may not have started. Look before you call again: the tool takes no key that would make that safe.`,
    options,
  );
}

/** An unknown status word. */
export function unknownWord(word: string): string {
  return `The server says \`${excerpt(word)}\`, which is no known status word, so that the task counts as running. If it is an end, tell it: \`words\` (--done-word, --failed-word).`;
}

export function quiet(quietForMs: number): string {
  return `Nothing new was heard of it for ${formatDuration(quietForMs)} (\`quietAfterMs\`).`;
}

/** What has become of the call, and what was odd about it. */
function fateOf(facts: CallFacts, cancelling = false): string {
  return [stateOf(facts, cancelling), ...(facts.snapshot?.notices ?? [])].join(' ');
}

function stateOf({ stage, snapshot }: CallFacts, cancelling: boolean): string {
  switch (stage) {
    case 'planning':
      return 'It was not called.';
    case 'blocking':
      return 'The call had no task of its own: its request was cancelled, and there is nothing to resume.';
    case 'unanswered':
      return cancelling
        ? 'The call had not been answered: if it turns out to be a task, the server is asked to cancel it; if not, its request is cancelled.'
        : 'The call had not been answered, and its work may end with it: the request is cancelled unless its answer comes within 5 s. A task that the answer tells of is in the journal (`npx mcp-await list`) and in the event `task-orphaned`.';
    case 'starting':
      return cancelling
        ? 'Its start was under way: if the server accepts the job, it is asked to cancel it.'
        : 'Its start was under way: if the server accepts the job, the event `task-orphaned` tells its reference.';
    case 'accepted':
      return cancelling
        ? 'The server was asked to cancel the task.'
        : `The task was last seen \`${snapshot?.status}\` and may still be running: its reference resumes it.`;
  }
}

/** Protocols know the task, not the call: an error of theirs gets the facts here. */
function withFacts<Failure>(error: Failure, { tool, reference, snapshot }: CallFacts): Failure {
  return error instanceof AwaitError && error.tool === undefined
    ? Object.assign(error, { tool, reference, snapshot })
    : error;
}
