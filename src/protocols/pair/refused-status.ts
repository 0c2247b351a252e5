import { StatusCheckError, TaskNotFoundError } from '../../errors.js';
import { excerpt, excerptOf } from '../excerpt.js';
import { isRecord } from '../tool-result.js';
import { type AnswerData, valueAt } from './answer-data.js';
import type { TaskId } from './handle.js';
import { hintInText } from './hints.js';
import type { Pair } from './profile.js';
import { wordsOf } from './usual-places.js';

/** What an error that a status tool answers with says of the task. */
export type RefusedStatus = 'not-found' | 'transient' | 'asked-wrongly' | 'failed';

const NOUN =
  '(task|job|run|execution|operation|request|process|crawl|research|prediction|training|workflow|session|id|pid|handle)';
const NOT_FOUND = new RegExp(
  `\\b${NOUN}\\b.{0,80}\\b(not (be )?found|does(n't| not) exist|is unknown|has expired|not exist)|\\b(unknown|invalid|no such|no active|no) ${NOUN}\\b|\\b${NOUN}[_ -]?(id )?not[_ ]found|\\b404\\b.{0,20}not found|\\b(status|code|http|error)[ :=]{1,3}404\\b`,
  'is',
);
const TRANSIENT =
  /rate.?limit|too many requests|\b(429|502|503|504)\b|temporar(y|ily)|not (yet )?ready|try again|unavailable|overloaded|request timed? ?out|etimedout|econnre(set|fused)|gateway time|socket hang up|network error|fetch failed/i;
/** As MCP servers refuse the arguments of a call, or a tool that they do not have. */
const ASKED_WRONGLY =
  /\binput validation error\b|\binvalid (arguments? for tool|params)\b|\bvalidation errors? for (call\[|\w{1,100}Arguments\b)|\bmissing (a |\d{1,2} )?required (keyword-only |positional )?(argument|parameter|input)|\b(unexpected|unknown|unrecognized|no such) (keyword )?(argument|parameter)|\bunknown tool\b|\btool ['"`]?[\w./-]{1,128}['"`]? (was )?not found\b/i;
/** With a word of when, so that it is no result: "The result is not ready yet", "not available, please retry later". */
const NOT_YET =
  /\bnot yet (ready|available|complete)|\bnot (ready|available|complete) (yet|at this time)|\bnot (ready|available|complete)\b.{0,60}\b(try again|retry|later)\b/is;
const MAX_TEXT = 2000;
/** Longer is a result, whatever it says. */
const MAX_NOT_YET = 300;

/**
 * Says which: a call that the server could not take tells nothing of the task, and will not be taken the next time. A status tool that reports an error tells of a failed task, unless it looks passing or says that there is none.
 * @param about names of the task: its id, the argument for it
 */
export function readRefusal(text: string, about: readonly string[]): RefusedStatus {
  const shortened = text.slice(0, MAX_TEXT);
  if (ASKED_WRONGLY.test(shortened)) return 'asked-wrongly';
  const names = about.some(name => shortened.includes(name));
  if (NOT_FOUND.test(shortened) || (names && /not found|does not exist|no longer exists/i.test(shortened)))
    return 'not-found';
  if (TRANSIENT.test(shortened)) return 'transient';
  return shortened.includes('-32602') ? 'asked-wrongly' : 'failed';
}

/** Whether a tool that has results says, without an error, that it has this one later. */
export function saysNotYet(text: string): boolean {
  return text.length < MAX_NOT_YET && NOT_YET.test(text);
}

export interface RefusedTool {
  readonly id: TaskId;
  readonly tool: string;
  /** The argument for the handle. */
  readonly argument: string;
  /** @default 'could not tell the state of the task' */
  readonly failure?: string;
  /** Milliseconds that the answer asks to wait; of a text they are read. */
  readonly hintMs?: number | undefined;
}

/** A task of which the server says that there is none. */
export function unknownTask(id: TaskId): TaskNotFoundError {
  return new TaskNotFoundError(
    `The server does not know the task ${excerptOf(id)}: the reference is wrong, belongs to somebody else, or has expired, or the server was started again and has lost it.`,
  );
}

/** The error for a tool that answers with an error; undefined where the error is that of the task. */
export function refusedRequest(data: AnswerData, pair: Pair, refused: RefusedTool): Error | undefined {
  const { notFoundCodes, errorAt } = pair.status;
  if (notFoundCodes === undefined) return refusedByText(data.text, refused);
  const given = valueAt(data, errorAt);
  const error = isRecord(given) ? given : {};
  if (notFoundCodes.includes(excerptOf(error.code))) return unknownTask(refused.id);
  const reason = typeof error.message === 'string' ? error.message : data.text;
  const { tool, id, failure = 'could not tell the state of the task' } = refused;
  return new StatusCheckError(
    `\`${tool}\` ${failure} ${excerptOf(id)}: ${excerpt(reason) || 'it gave no reason'}`,
    { retryable: error.retryable !== false },
  );
}

/** The error for a status tool that could not be asked, as its text tells. */
export function refusedByText(text: string, { id, tool, argument, hintMs }: RefusedTool): Error | undefined {
  const name = argument.split('.').at(-1) ?? '';
  // "id" is in many words.
  const names = [name, wordsOf(name).slice(0, -1).join(' ')].filter(({ length }) => length > 3);
  switch (readRefusal(text, [String(id), ...names])) {
    case 'not-found':
      return unknownTask(id);
    case 'transient':
      return new StatusCheckError(
        `\`${tool}\` could not tell the state of the task ${excerptOf(id)}: ${excerpt(text) || 'it gave no reason'}`,
        { retryable: true, retryAfterMs: hintMs ?? hintInText(text) },
      );
    case 'asked-wrongly':
      return new StatusCheckError(
        `\`${tool}\` does not take what it was asked about the task ${excerptOf(id)}: ${excerpt(text)}. The profile of the pair is wrong, or the server has changed: \`npx mcp-await tools\` shows its tools.`,
        { retryable: false },
      );
    case 'failed':
      return undefined;
  }
}
