import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { ProtocolViolationError } from '../../errors.js';
import { isEndStatus, type Outcome, type Progress } from '../../types.js';
import { excerpt, excerptOf } from '../excerpt.js';
import { IDS } from '../lexicon.js';
import type { PollAnswer, Running, StartAnswer } from '../protocol.js';
import { isRecord, outcomeOfResult } from '../tool-result.js';
import { type AnswerData, dataOf, isThere, valueAt } from './answer-data.js';
import { answerFactsOf } from './answer-facts.js';
import { idsIn, isSmall, newHandle, type Started, type TaskId } from './handle.js';
import { usualHintMs } from './hints.js';
import type { Pair, Places } from './profile.js';
import { progressAtPlace, progressOfFacts } from './progress-facts.js';
import { refusedByText, refusedRequest, unknownTask } from './refused-status.js';
import { errorIn, failureBeside, outcomeOf, readState, tellsWhere } from './state.js';
import { subjectOf } from './subject.js';
import { wordsOf } from './usual-places.js';
import type { State } from './usual-state.js';

/** What the answer to a start is: of a running task, or already the end. Pure. */
export function readStartAnswer(
  answer: CallToolResult,
  pair: Pair,
  { call, statusTool }: Started,
): StartAnswer {
  if (answer.isError === true) return { kind: 'ended', outcome: outcomeOfResult(answer), raw: answer };
  const data = dataOf(answer);
  const state = readState(data, pair);
  const ids = idsIn(data, pair, { statusTool, given: call.arguments });
  const end = state !== undefined && isEndStatus(state.status) ? state.status : undefined;
  if (ids.length === 0) {
    if (pair.start.alwaysHandle || (state !== undefined && end === undefined))
      throw violation(
        `\`${call.name}\` answered without a handle${soughtAt(pair.start.handleAt, '`handleAt`, --id-key')}`,
        answer,
      );
    // A start that was quick enough answers with the result.
    return { kind: 'ended', outcome: outcomeOf(end ?? 'completed', answer, data, pair), raw: answer };
  }
  const handle = newHandle(ids, pair, { call, statusTool, data });
  if (!isSmall(handle))
    throw violation(`\`${call.name}\` answered with a handle that is too long to keep`, answer);
  if (end !== undefined && pair.start.tellsEnd && hasEnd(data, pair))
    return { kind: 'ended', outcome: outcomeOf(end, answer, data, pair), handle, raw: answer };
  // A start answer tells of the start: "success" may be its own. Only the status tool ends a task.
  const told = state?.status === 'input_required' ? state.status : 'working';
  const { unknownWord: _word, ...facts } = running(answer, data, pair, { status: told });
  return { ...facts, handle };
}

/** What the answer of a marked tool is that has started a task. Pure. */
export function readMarkedAnswer(
  answer: CallToolResult,
  task: Readonly<Record<string, unknown>>,
  pair: Pair,
  started: Started,
): StartAnswer {
  const told = { content: [], structuredContent: task };
  const data = dataOf(told);
  const { call, statusTool } = started;
  const ids = idsIn(data, pair, { statusTool, given: call.arguments });
  if (ids.length === 0) throw violation(`\`${call.name}\` answered without a task's handle`, answer);
  const handle = newHandle(ids, pair, { ...started, data });
  const status = readState(data, pair)?.status;
  if (status === undefined || !isEndStatus(status))
    return { ...running(told, data, pair, { status: status ?? 'working' }), handle, raw: answer };
  const outcome =
    status === 'cancelled' ? outcomeOf(status, answer, dataOf(answer), pair) : outcomeOfResult(answer);
  return { kind: 'ended', outcome, handle, raw: answer };
}

/** Whether an answer has an end with its result; an earlier call with the same key may have told only the state. */
function hasEnd(data: AnswerData, { status: { resultAt, errorAt } }: Pair): boolean {
  return resultAt === undefined || isThere(data, resultAt) || isThere(data, errorAt);
}

/**
 * What a status answer says of one task. Pure.
 * @throws TaskNotFoundError, StatusCheckError or ProtocolViolationError
 */
export function readStatusAnswer(answer: CallToolResult, pair: Pair, id: TaskId): PollAnswer {
  return readStatus(answer, pair, id).read;
}

export interface StatusReading {
  readonly read: PollAnswer;
  /** Undefined where an error without a state ends the task. */
  readonly state?: State | undefined;
}

/** The same, with how the state was told. */
export function readStatus(answer: CallToolResult, pair: Pair, id: TaskId): StatusReading {
  const data = dataOf(answer);
  const state = readState(data, pair, [String(id)]);
  // `success: false` without a state is an error, whatever the flag says; `"status": null` is none.
  const isUntold = state === undefined || (state.isWeak === true && state.unknownWord === undefined);
  if (answer.isError === true || (isUntold && failureBeside(data, pair)))
    return { read: readErrorAnswer(answer, data, pair, id), state };
  const { handleArgument, handleAt } = pair.status;
  const told = valueAt(data, handleAt ?? [handleArgument, `data.${handleArgument}`]);
  const isSame = told === undefined || (typeof told !== 'object' && String(told) === String(id));
  if (!isSame && (handleAt !== undefined || isOther(told, id, handleArgument)))
    throw violation(
      `\`${pair.status.tool}\` was asked about ${excerptOf(id)} and answered about ${excerptOf(told)}`,
      answer,
    );
  if (state === undefined)
    throw (
      // A longer text may be a result.
      (data.text.length > 300 ? undefined : refusedAsText(data, pair, id)) ??
      violation(
        `\`${pair.status.tool}\` answered without a state${soughtAt(pair.status.statusAt, '`statusAt`, --status-key')}`,
        answer,
      )
    );
  const { status } = state;
  if (/^not[ _-]?found$/i.test(state.unknownWord ?? '')) throw unknownTask(id);
  switch (status) {
    case 'working':
    case 'input_required':
      return { read: running(answer, data, pair, { ...state, status }), state };
    default: {
      const mayBeOfRequest = status === 'failed' && !tellsWhere(pair) && /^error$/i.test(state.word ?? '');
      const refused = mayBeOfRequest ? refusedAsText(data, pair, id) : undefined;
      if (refused !== undefined) throw refused;
      const outcome =
        state.isEndAlone === true ? outcomeNotTold(answer, pair) : outcomeOf(status, answer, data, pair);
      return { read: { kind: 'ended', outcome, raw: answer }, state };
    }
  }
}

/** Whether what stands under the very name of the handle (`job_id`, not `id`) is another one, and no other form of it. */
function isOther(value: unknown, id: TaskId, handleArgument: string): boolean {
  const words = wordsOf(handleArgument);
  if (words.length < 2 || !IDS.has(words.at(-1) ?? '') || typeof value === 'object') return false;
  const [told, asked] = [plain(value), plain(id)];
  return /\d/.test(told) && !told.includes(asked) && !asked.includes(told);
}

const plain = (id: unknown) => String(id).replace(/[\W_]/g, '').toLowerCase();

/** An end that may be a failure is no success. */
function outcomeNotTold(answer: CallToolResult, { status }: Pair): Outcome {
  const message = `\`${status.tool}\` says that the task has ended, but not whether it succeeded: look at what it has made, or tell where the server says so (\`statusAt\` of a profile, docs/start-status-pairs.md).`;
  return {
    status: 'failed',
    error: { code: 'OUTCOME_NOT_TOLD', message },
    result: { ...answer, isError: true },
  };
}

/** `{"status": "error", "message": "Job not found"}` is the answer to a request, not the end of a task. */
function refusedAsText({ text }: AnswerData, { status }: Pair, id: TaskId): Error | undefined {
  const { tool, handleArgument, notFoundCodes } = status;
  return notFoundCodes === undefined
    ? refusedByText(text, { id, tool, argument: handleArgument })
    : undefined;
}

/** A running task, with what an answer tells of it. */
export function running(
  answer: CallToolResult,
  data: AnswerData,
  pair: Pair,
  state: { readonly status: Running['status']; readonly unknownWord?: string; readonly word?: string },
): Running {
  const { status } = pair;
  const message = valueAt(data, status.messageAt) ?? (state.word && ownWord(state.word));
  const progress = progressIn(data, pair);
  const hintMs = hintIn(data, status);
  const questions = status.questionsAt && questionsIn(valueAt(data, status.questionsAt));
  return {
    kind: 'running',
    status: questions === undefined ? state.status : 'input_required',
    ...(questions && { questions }),
    ...(state.unknownWord !== undefined && { unknownWord: state.unknownWord }),
    ...(typeof message === 'string' && { message: excerpt(message) }),
    ...(progress && { progress }),
    ...(hintMs !== undefined && { hintMs }),
    raw: answer,
  };
}

/** Undefined where nothing is asked. */
function questionsIn(value: unknown): Running['questions'] {
  if (!isRecord(value)) return undefined;
  const questions = Object.entries(value).flatMap(([key, question]) =>
    isRecord(question) && typeof question.method === 'string' && isRecord(question.params)
      ? [[key, { method: question.method, params: question.params }] as const]
      : [],
  );
  return questions.length === 0 ? undefined : Object.fromEntries(questions);
}

/** The server's word for a task that runs, where it says more than that. */
function ownWord(word: string): string | undefined {
  return /^(running|working|in[ _-]?progress|processing)$/i.test(word) ? undefined : word;
}

function readErrorAnswer(answer: CallToolResult, data: AnswerData, pair: Pair, id: TaskId): PollAnswer {
  const { tool, handleArgument: argument, notFoundCodes } = pair.status;
  if (notFoundCodes !== undefined) throw refusedRequest(data, pair, { id, tool, argument });
  const word = readState(data, pair)?.status;
  // A state beside the error is the task's own; without one the error may be that of the request.
  const refused =
    word === 'failed' || word === 'cancelled'
      ? undefined
      : refusedByText(data.text || errorIn(data, pair, 'failed').message, {
          id,
          tool,
          argument,
          hintMs: hintIn(data, pair.status),
        });
  if (refused !== undefined) throw refused;
  const status = word === 'cancelled' ? word : 'failed';
  return { kind: 'ended', outcome: outcomeOf(status, answer, data, pair), raw: answer };
}

function progressIn(data: AnswerData, pair: Pair): Progress | undefined {
  const { status } = pair;
  if (status.progressAt === undefined)
    return tellsWhere(pair) ? undefined : progressOfFacts(answerFactsOf(data, subjectOf(pair, [])));
  const place = [status.progressAt].flat().find(each => valueAt(data, each) !== undefined);
  if (place === undefined) return undefined;
  const progress = progressAtPlace(valueAt(data, place), place, status.totalAt !== undefined);
  const total = Number(valueAt(data, status.totalAt) ?? Number.NaN);
  return progress && progress.total === undefined && total > 0 && Number.isFinite(total)
    ? { ...progress, total }
    : progress;
}

/** Most answers say nothing of it, and are not searched. */
const MAY_HINT = /retry|poll|check|interval|again/i;

function hintIn(data: AnswerData, status: Pair['status']): number | undefined {
  const milliseconds = Number(valueAt(data, status.pollAfterMsAt) ?? Number.NaN);
  if (Number.isFinite(milliseconds)) return milliseconds;
  const seconds = Number(valueAt(data, status.pollAfterSecondsAt) ?? Number.NaN);
  if (Number.isFinite(seconds)) return seconds * 1000;
  const isTold = (status.pollAfterMsAt ?? status.pollAfterSecondsAt) !== undefined;
  return isTold || (data.text !== '' && !MAY_HINT.test(data.text)) ? undefined : usualHintMs(data);
}

/** Where something was looked for, and how that is told. */
export function soughtAt(places: Places | undefined, how: string): string {
  return places === undefined ? ` (${how})` : ` at ${excerptOf(places)} (${how})`;
}

export function violation(what: string, answer: CallToolResult): ProtocolViolationError {
  return new ProtocolViolationError(
    `${what}: ${excerptOf(answer)}. The server does not keep to its own pattern, or the profile of the pair is wrong.`,
  );
}
