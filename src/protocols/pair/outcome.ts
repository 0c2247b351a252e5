import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Outcome, TaskError } from '../../types.js';
import type { PollAnswer } from '../protocol.js';
import { failedResult, isRecord, outcomeOfResult, resultOfOutcome, resultOfValue } from '../tool-result.js';
import { type AnswerData, valueAt, valuesAt } from './answer-data.js';
import { answerFactsOf } from './answer-facts.js';
import type { TaskId } from './handle.js';
import type { Pair } from './profile.js';
import { exitCodeIn } from './state.js';
import { subjectOf } from './subject.js';

const REASONS = [
  'error',
  'error_message',
  'errorMessage',
  'failure_reason',
  'failureReason',
  'errors.0',
  'reason',
  'statusMessage',
  'status_message',
  'message',
  'detail',
];
const REASON_WORDS = new Set([
  'error',
  'reason',
  'message',
  'exception',
  'cause',
  'detail',
  'details',
  'failure',
]);
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
