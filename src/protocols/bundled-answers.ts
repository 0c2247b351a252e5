import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { ProtocolViolationError, StatusCheckError, TaskNotFoundError } from '../errors.js';
import { isEndStatus, type Outcome, type TaskError, type TaskStatus } from '../types.js';
import type { BundledProfile } from './bundled-profile.js';
import { excerpt, excerptOf } from './excerpt.js';
import { foldWord, readProgress, valueAt } from './payload.js';
import type { PollAnswer, Question, StartAnswer } from './protocol.js';
import { isRecord, outcomeOfResult, payloadOf, resultOfValue, textOf } from './tool-result.js';

export const taskIdSchema = z.union([z.string().min(1), z.number()]);

export type TaskId = z.infer<typeof taskIdSchema>;

/** What the status tool can do beyond answering at once about one task; it is part of the handle. */
export interface StatusAbilities {
  readonly holds?: true;
  readonly many?: true;
}

export function readStart(
  answer: CallToolResult,
  profile: BundledProfile,
  abilities: StatusAbilities,
): StartAnswer {
  const outcome = outcomeOfResult(answer);
  if (outcome.status === 'failed') return { kind: 'ended', outcome, raw: answer };
  const { tool, handleAt } = profile.start;
  const payload = payloadOf(answer) ?? violation(`\`${tool}\` answered without data`, answer);
  const id = valueAt(payload, handleAt);
  if (!isTaskId(id)) return violation(`\`${tool}\` answered without a \`${handleAt}\``, answer);
  const handle = { pair: profile.name, id, ...abilities };
  const state = readState(payload, profile, answer);
  // Most start tools tell no state, and some tell that of an earlier call with the same key without its result.
  if (state?.kind === 'ended' && hasEnd(payload, profile)) return { ...state, handle };
  return { ...(state?.kind === 'running' ? state : running(payload, profile)), handle, raw: answer };
}

export function readMarked(
  answer: CallToolResult,
  profile: BundledProfile,
  abilities: StatusAbilities,
): StartAnswer {
  const task = answer._meta?.[profile.marked?.taskKey ?? ''];
  if (!isRecord(task)) return { kind: 'ended', outcome: outcomeOfResult(answer), raw: answer };
  const id = valueAt(task, profile.start.handleAt);
  if (!isTaskId(id)) {
    return violation(`A tool of the pair \`${profile.name}\` answered without a task`, answer);
  }
  const handle = { pair: profile.name, id, ...abilities };
  const word = valueAt(task, profile.status.statusAt);
  const status = typeof word === 'string' ? statusOf(word, profile) : undefined;
  if (status === undefined || !isEndStatus(status)) {
    return { ...running(task, profile), handle, raw: answer };
  }
  const error = status === 'cancelled' ? readTaskError(payloadOf(answer)?.error, status) : undefined;
  const outcome: Outcome = error === undefined ? outcomeOfResult(answer) : { status: 'cancelled', error };
  return { kind: 'ended', outcome, handle, raw: answer };
}

function hasEnd(payload: Readonly<Record<string, unknown>>, { status }: BundledProfile): boolean {
  return valueAt(payload, status.resultAt) !== undefined || valueAt(payload, status.errorAt) !== undefined;
}

export function readStatus(answer: CallToolResult, profile: BundledProfile, id: TaskId): PollAnswer {
  if (answer.isError === true)
    throw requestError(answer, profile, `tell the state of the task ${excerptOf(id)}`, id);
  const { tool, handleAt, statusAt } = profile.status;
  const payload = payloadOf(answer) ?? violation(`\`${tool}\` answered without data`, answer);
  const other = valueAt(payload, handleAt);
  if (other !== undefined && other !== id) {
    return violation(
      `\`${tool}\` was asked about ${excerptOf(id)} and answered about ${excerptOf(other)}`,
      answer,
    );
  }
  return (
    readState(payload, profile, answer) ?? violation(`\`${tool}\` answered without a \`${statusAt}\``, answer)
  );
}

/** Of an answer about many tasks, each task's own; undefined for one that it leaves out. */
export function readMany(
  answer: CallToolResult,
  profile: BundledProfile,
  ids: readonly TaskId[],
): readonly (PollAnswer | Error | undefined)[] {
  const { tool, handleAt, many } = profile.status;
  if (answer.isError === true)
    throw requestError(answer, profile, `tell the state of ${ids.length} tasks`, ids.join(', '));
  const entries = valueAt(payloadOf(answer) ?? {}, many?.answersAt);
  if (!Array.isArray(entries))
    return violation(`\`${tool}\` answered without \`${many?.answersAt}\``, answer);
  const byId = new Map(entries.filter(isRecord).map(entry => [valueAt(entry, handleAt), entry]));
  return ids.map(id => {
    const entry = byId.get(id);
    if (entry === undefined) return undefined;
    const own: CallToolResult = { content: [], structuredContent: entry };
    // Without a state it tells why there is none.
    return (
      readState(entry, profile, own) ??
      requestError(own, profile, `tell the state of the task ${excerptOf(id)}`, id)
    );
  });
}

/** The state that an answer tells; undefined when it tells none. */
function readState(
  payload: Readonly<Record<string, unknown>>,
  profile: BundledProfile,
  answer: CallToolResult,
): PollAnswer | undefined {
  const { statusAt, resultAt, errorAt } = profile.status;
  const word = valueAt(payload, statusAt);
  if (typeof word !== 'string') return undefined;
  const status = statusOf(word, profile);
  if (status === undefined) return { ...running(payload, profile), unknownWord: word, raw: answer };
  switch (status) {
    case 'completed':
      return {
        kind: 'ended',
        outcome: { status, result: resultOfValue(valueAt(payload, resultAt) ?? null) },
        raw: answer,
      };
    case 'failed':
    case 'cancelled':
      return {
        kind: 'ended',
        outcome: { status, error: readTaskError(valueAt(payload, errorAt), status) },
        raw: answer,
      };
    case 'working':
    case 'input_required': {
      const questions = readQuestions(valueAt(payload, profile.status.questionsAt));
      if (questions === undefined) return { ...running(payload, profile), status, raw: answer };
      return { ...running(payload, profile), status: 'input_required', questions, raw: answer };
    }
  }
}

function statusOf(word: string, { words }: BundledProfile): TaskStatus | undefined {
  const folded = foldWord(word);
  return Object.hasOwn(words, folded) ? words[folded] : undefined;
}

function running(payload: Readonly<Record<string, unknown>>, { status }: BundledProfile) {
  const progress = readProgress(valueAt(payload, status.progressAt));
  const hintMs = valueAt(payload, status.pollAfterMsAt);
  return {
    kind: 'running',
    status: 'working',
    ...(progress?.message !== undefined && { message: progress.message }),
    ...(progress !== undefined && { progress }),
    ...(typeof hintMs === 'number' && { hintMs }),
  } as const;
}

/** Undefined where nothing is asked. */
function readQuestions(value: unknown): Readonly<Record<string, Question>> | undefined {
  if (!isRecord(value)) return undefined;
  const questions = Object.entries(value).flatMap(([key, question]) =>
    isRecord(question) && typeof question.method === 'string' && isRecord(question.params)
      ? [[key, { method: question.method, params: question.params }] as const]
      : [],
  );
  return questions.length === 0 ? undefined : Object.fromEntries(questions);
}

function readTaskError(value: unknown, status: 'failed' | 'cancelled'): TaskError {
  const error = isRecord(value) ? value : {};
  const code =
    typeof error.code === 'string' ? error.code : status === 'failed' ? 'TASK_FAILED' : 'CANCELLED';
  const given = typeof value === 'string' ? value : error.message;
  const message =
    typeof given === 'string' && given !== ''
      ? given
      : `The server gave no reason why the task is ${status}.`;
  return { code, message, ...(typeof error.retryable === 'boolean' && { retryable: error.retryable }) };
}

/** A status or cancel tool that reports an error says nothing about the task, except that there is none. */
export function requestError(
  answer: CallToolResult,
  profile: BundledProfile,
  what: string,
  id: TaskId,
): Error {
  const error = payloadOf(answer)?.error;
  if (isRecord(error) && profile.status.notFoundCodes.includes(excerptOf(error.code))) {
    return new TaskNotFoundError(
      `The server does not know the task ${excerptOf(id)}: the reference is wrong, belongs to somebody else, or has expired.`,
    );
  }
  const retryable = !isRecord(error) || error.retryable !== false;
  const reason = isRecord(error) && typeof error.message === 'string' ? error.message : textOf(answer);
  return new StatusCheckError(`The server could not ${what}: ${excerpt(reason) || 'it gave no reason'}`, {
    retryable,
  });
}

function isTaskId(value: unknown): value is TaskId {
  return taskIdSchema.safeParse(value).success;
}

function violation(what: string, answer: CallToolResult): never {
  throw new ProtocolViolationError(
    `${what}: ${excerptOf(answer)}. The server does not keep to its own pattern.`,
  );
}
