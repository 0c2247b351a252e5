import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { ProtocolViolationError, StatusCheckError, TaskNotFoundError } from '../../errors.js';
import type { Progress } from '../../types.js';
import { excerpt } from '../excerpt.js';
import { readProgress } from '../payload.js';
import type { PollAnswer, Running } from '../protocol.js';
import { type AnswerData, dataOf, valueAt } from './answer-data.js';
import type { TaskId } from './handle.js';
import { errorIn, outcomeOf } from './outcome.js';
import type { Pair } from './profile.js';
import { readRefusal } from './refused-status.js';
import { failureBeside, readState } from './state.js';
import { usualHints, wordsOf } from './usual-places.js';

/**
 * What a status answer says of one task. Pure.
 * @throws TaskNotFoundError, StatusCheckError or ProtocolViolationError
 */
export function readStatusAnswer(answer: CallToolResult, pair: Pair, id: TaskId): PollAnswer {
  const data = dataOf(answer);
  const state = readState(data, pair);
  // `success: false` without a state is an error, whatever the flag says.
  if (answer.isError === true || (state === undefined && failureBeside(data, pair)))
    return readErrorAnswer(answer, data, pair, id);
  const other = valueAt(data, pair.status.handleAt);
  if (other !== undefined && String(other) !== String(id))
    throw violation(
      `\`${pair.status.tool}\` was asked about ${id} and answered about ${String(other)}`,
      answer,
    );
  if (state === undefined) throw violation(`\`${pair.status.tool}\` answered without a state`, answer);
  switch (state.status) {
    case 'working':
    case 'input_required':
      return running(answer, data, pair, { ...state, status: state.status });
    default:
      return { kind: 'ended', outcome: outcomeOf(state.status, answer, data, pair), raw: answer };
  }
}

/** A running task, with what an answer tells of it. */
export function running(
  answer: CallToolResult,
  data: AnswerData,
  { status }: Pair,
  state: { readonly status: Running['status']; readonly unknownWord?: string },
): Running {
  const message = valueAt(data, status.messageAt);
  const progress = progressIn(data, status);
  const hintMs = hintIn(data, status);
  return {
    kind: 'running',
    ...state,
    ...(typeof message === 'string' && { message: excerpt(message) }),
    ...(progress && { progress }),
    ...(hintMs !== undefined && { hintMs }),
    raw: answer,
  };
}

interface Refused {
  readonly id: TaskId;
  readonly tool: string;
  /** The argument for the handle. */
  readonly argument: string;
}

/** The error for a status tool that could not be asked. */
export function refusedStatus(text: string, { id, tool, argument }: Refused): Error | undefined {
  const name = argument.split('.').at(-1) ?? '';
  // "id" is in many words.
  const names = [name, wordsOf(name).slice(0, -1).join(' ')].filter(({ length }) => length > 3);
  switch (readRefusal(text, [String(id), ...names])) {
    case 'not-found':
      return new TaskNotFoundError(
        `The server does not know the task ${id}: the reference is wrong, belongs to somebody else, or has expired.`,
      );
    case 'transient':
      return new StatusCheckError(
        `\`${tool}\` could not tell the state of the task ${id}: ${excerpt(text) || 'it gave no reason'}`,
        { retryable: true },
      );
    case 'asked-wrongly':
      return new StatusCheckError(
        `\`${tool}\` does not take what it was asked about the task ${id}: ${excerpt(text)} The profile of the pair is wrong, or the server has changed: \`mcp-await tools\` shows its tools.`,
        { retryable: false },
      );
    case 'failed':
      return undefined;
  }
}

function readErrorAnswer(answer: CallToolResult, data: AnswerData, pair: Pair, id: TaskId): PollAnswer {
  const word = readState(data, { ...pair, status: { ...pair.status, doneAt: undefined } })?.status;
  // A state beside the error is the task's own; without one the error may be that of the request.
  const refused =
    word === 'failed' || word === 'cancelled'
      ? undefined
      : refusedStatus(data.text || errorIn(data, pair, 'failed').message, {
          id,
          tool: pair.status.tool,
          argument: pair.status.handleArgument,
        });
  if (refused !== undefined) throw refused;
  const status = word === 'cancelled' ? word : 'failed';
  return { kind: 'ended', outcome: outcomeOf(status, answer, data, pair), raw: answer };
}

function progressIn(data: AnswerData, status: Pair['status']): Progress | undefined {
  const value = valueAt(data, status.progressAt);
  const given = readProgress(value);
  if (given !== undefined) return given;
  const percentage = typeof value === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*%/.exec(value)?.[1] : undefined;
  if (percentage !== undefined) return { progress: Number(percentage), total: 100 };
  const total = valueAt(data, status.totalAt);
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return { progress: value, ...(typeof total === 'number' && Number.isFinite(total) && { total }) };
}

function hintIn(data: AnswerData, status: Pair['status']): number | undefined {
  const milliseconds = Number(valueAt(data, status.pollAfterMsAt ?? usualHints.pollAfterMsAt) ?? Number.NaN);
  if (Number.isFinite(milliseconds)) return milliseconds;
  const seconds = Number(
    valueAt(data, status.pollAfterSecondsAt ?? usualHints.pollAfterSecondsAt) ?? Number.NaN,
  );
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

export function violation(what: string, answer: CallToolResult): ProtocolViolationError {
  return new ProtocolViolationError(
    `${what}: ${excerpt(JSON.stringify(answer))}. The server does not keep to its own pattern, or the profile of the pair is wrong.`,
  );
}
