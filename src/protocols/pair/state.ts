import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Outcome, TaskError, TaskStatus } from '../../types.js';
import { excerpt } from '../excerpt.js';
import type { PollAnswer } from '../protocol.js';
import { failedResult, isRecord, outcomeOfResult, resultOfOutcome, resultOfValue } from '../tool-result.js';
import { type AnswerData, valueAt, valuesAt } from './answer-data.js';
import { answerFactsOf } from './answer-facts.js';
import type { TaskId } from './handle.js';
import type { Pair, Places } from './profile.js';
import { subjectOf } from './subject.js';
import { usualErrorPlaces, usualExitCodePlaces } from './usual-places.js';
import { MERE_END, type State, usualState } from './usual-state.js';
import { isNumbered, lettersOf, meaningOf } from './words.js';

/** The least that has to be true for success comes last: a task that failed may say so beside `"status": "completed"`. */
const SENTENCES = ['failed', 'cancelled', 'input_required', 'working', 'completed'] as const;

/**
 * The state that an answer tells; undefined when it tells none.
 * @param ids the handles that the answer is about
 */
export function readState(data: AnswerData, pair: Pair, ids: readonly string[] = []): State | undefined {
  const told = tellsWhere(pair)
    ? (stateByWord(data, pair) ?? (pair.status.says && stateByPhrase(data, pair.status.says)))
    : usualState(data, { subject: subjectOf(pair, ids), own: pair.words });
  const exitCode = exitCodeIn(data, pair);
  if (exitCode !== undefined && exitCode !== 0 && (told === undefined || isEnd(told)))
    return { status: 'failed' };
  if (exitCode === 0 && MERE_END.test(told?.unknownWord ?? told?.word ?? '')) return { status: 'completed' };
  return told?.status === 'completed' && failureBeside(data, pair) ? { status: 'failed' } : told;
}

/** Whether the profile says where states are. */
export function tellsWhere({ status: { statusAt, says } }: Pair): boolean {
  return statusAt !== undefined || says !== undefined;
}

/** The exit code of an answer, where the profile says that there is one. */
export function exitCodeIn(data: AnswerData, { status }: Pair): number | undefined {
  const value = valueAt(data, status.exitCodeAt ?? usualExitCodePlaces);
  const code = typeof value === 'string' ? Number.parseInt(value, 10) : value;
  return typeof code === 'number' && Number.isFinite(code) ? code : undefined;
}

function isEnd({ status, unknownWord, word }: State): boolean {
  return status === 'completed' || MERE_END.test(unknownWord ?? word ?? '');
}

function stateByWord(data: AnswerData, { status, words }: Pair): State | undefined {
  let envelope: State | undefined;
  for (const place of [status.statusAt ?? []].flat()) {
    const states: State[] = [];
    // `{"status": "success", "data": {"state": "running"}}` tells of the request first.
    let isEnvelope = true;
    for (const found of valuesAt(data, place).flat()) {
      const value = typeof found === 'number' && isNumbered(words) ? String(found) : found;
      if (typeof value !== 'string' && typeof value !== 'boolean') continue;
      isEnvelope &&= typeof value === 'string' && /^(success|ok)$/i.test(value);
      states.push(stateOfValue(value, place, words));
    }
    const state = states.length < 2 ? states[0] : joint(states);
    if (state === undefined) continue;
    if (!isEnvelope) return state;
    envelope ??= state;
  }
  return envelope;
}

function stateOfValue(value: string | boolean, place: Places, own: Pair['words']): State {
  if (typeof value === 'boolean') return { status: value ? 'completed' : 'working' };
  const word = typeof place === 'string' ? value : lettersOf(value);
  const key = typeof place === 'string' ? place.split('.').at(-1) : undefined;
  const status = meaningOf(word, { key, own });
  return status === undefined ? { status: 'working', unknownWord: excerpt(word) } : { status };
}

/** Of many parts: all have to be done, and one that failed makes the whole failed. */
function joint(states: readonly State[]): State | undefined {
  const order: readonly TaskStatus[] = ['input_required', 'working', 'failed', 'cancelled', 'completed'];
  return (
    states.find(({ unknownWord }) => unknownWord !== undefined) ??
    order.map(status => states.find(state => state.status === status)).find(state => state !== undefined)
  );
}

function stateByPhrase({ text }: AnswerData, says: NonNullable<Pair['status']['says']>): State | undefined {
  const lower = text.toLowerCase();
  const found = SENTENCES.find(each => says[each]?.some(phrase => lower.includes(phrase.toLowerCase())));
  return found && { status: found };
}

/** Whether an answer that calls a task done also says that it went wrong. */
export function failureBeside(data: AnswerData, { status }: Pick<Pair, 'status'>): boolean {
  const reasons = valuesAt(data, status.errorAt ?? usualErrorPlaces);
  return reasons.some(isReason) || data.sources.some(source => isRecord(source) && source.success === false);
}

function isReason(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '' && !/^(none|null|no error)$/i.test(value.trim());
  return isRecord(value) && isReason(value.message ?? value.error ?? value.code ?? '');
}

const REASONS =
  'error error_message errorMessage failure_reason failureReason errors.0 reason statusMessage status_message message detail'.split(
    ' ',
  );
const REASON_WORDS = new Set('error reason message exception cause detail details failure'.split(' '));
const MAX_CHARACTERS = 2000;

/** What a task that has ended came to: the whole answer, or the part of it that the profile calls the result. */
export function outcomeOf(
  status: 'completed' | 'failed' | 'cancelled',
  answer: CallToolResult,
  data: AnswerData,
  pair: Pair,
): Outcome {
  switch (status) {
    case 'completed':
      if (pair.status.resultAlone)
        return { status, result: resultOfValue(valueAt(data, pair.status.resultAt) ?? null) };
      return outcomeOfResult(resultIn(answer, data, pair));
    case 'failed': {
      // All that the server says of the failure, marked as one in whatever dress it came.
      const error = errorIn(data, pair, status);
      if (pair.status.resultAlone) return { status, error };
      return { status, error, result: failedResult(answer, error) };
    }
    case 'cancelled':
      return { status, error: errorIn(data, pair, status) };
  }
}

function resultIn(answer: CallToolResult, data: AnswerData, { status }: Pair): CallToolResult {
  const value = valueAt(data, status.resultAt);
  if (value === undefined) return answer;
  const others = (answer.content ?? []).filter(block => block.type !== 'text');
  if (typeof value === 'string') return { content: [{ type: 'text', text: value }, ...others] };
  const result = resultOfValue(value);
  return result === value ? result : { ...result, content: [...result.content, ...others] };
}

/** Why a task did not complete, as far as its answer tells. */
export function errorIn(data: AnswerData, pair: Pair, status: 'failed' | 'cancelled'): TaskError {
  const [given] = valuesAt(data, pair.status.errorAt ?? REASONS);
  const error = isRecord(given) ? given : {};
  const exitCode = exitCodeIn(data, pair);
  const told = [given, error.message, error.error, error.detail].find(isText);
  const found =
    told ??
    reasonIn(data, pair) ??
    (exitCode === undefined || exitCode === 0 ? undefined : `It ended with exit code ${exitCode}.`) ??
    (data.sources.length === 0 && data.text.trim() !== '' ? data.text : undefined);
  const message =
    (pair.status.resultAlone ? told : found?.slice(0, MAX_CHARACTERS)) ??
    `The server gave no reason why the task is ${status}.`;
  return {
    code: isText(error.code) ? error.code : status === 'failed' ? 'TASK_FAILED' : 'CANCELLED',
    message,
    ...(typeof error.retryable === 'boolean' && { retryable: error.retryable }),
  };
}

/** Whether an answer about a failure says why. */
export function hasReason(data: AnswerData): boolean {
  return answerFactsOf(data, undefined, true).some(
    ({ words, value }) => REASON_WORDS.has(words.at(-1) ?? '') && isText(value) && value.length > 2,
  );
}

/** What stands under a key or label of a reason, anywhere in what is about the task. */
function reasonIn(data: AnswerData, pair: Pair): string | undefined {
  const facts = answerFactsOf(data, subjectOf(pair, []));
  return facts.find(({ words, value }) => REASON_WORDS.has(words.at(-1) ?? '') && isText(value))?.value as
    | string
    | undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** The state of a call that has started several tasks: it has ended when all have, and failed when one has. */
export function joinAnswers(ids: readonly TaskId[], answers: readonly PollAnswer[]): PollAnswer {
  const raw = answers.map(answer => answer.raw);
  const ended = answers.flatMap(answer => (answer.kind === 'ended' ? [answer.outcome] : []));
  const running =
    answers.find(answer => answer.kind === 'running' && answer.unknownWord !== undefined) ??
    answers.find(answer => answer.kind === 'running');
  if (running?.kind === 'running') {
    return { ...running, progress: { progress: ended.length, total: answers.length }, raw };
  }
  return { kind: 'ended', outcome: joinOutcomes(ids, ended), raw };
}

function joinOutcomes(ids: readonly TaskId[], outcomes: readonly Outcome[]): Outcome {
  const results = outcomes.map(resultOfOutcome);
  const result: CallToolResult = {
    content: results.flatMap(({ content }) => content ?? []),
    structuredContent: {
      results: results.map(({ structuredContent, content, isError }, index) => ({
        task: ids[index],
        status: outcomes[index]?.status,
        ...(isError === true && { isError }),
        ...(structuredContent === undefined ? { content } : { structuredContent }),
      })),
    },
  };
  const bad =
    outcomes.find(({ status }) => status === 'failed') ??
    outcomes.find(({ status }) => status === 'cancelled');
  if (bad === undefined || bad.status === 'completed') return { status: 'completed', result };
  return { status: 'failed', error: bad.error, result: { ...result, isError: true } };
}
