import { parseRetryAfter } from '../../http-headers.js';
import type { AnswerData } from './answer-data.js';
import { answerFactsOf } from './answer-facts.js';
import type { Fact } from './subject.js';

/** Words of a key that says when to ask again: `retry_after`, `pollIntervalMs`, `next_check_in`, `poll_at`. */
const KEY =
  /^(?:retry|(?:suggested |recommended |next )?(?:poll|polling|check|retry)(?: again)?|recommended) (?:interval|after|in|delay|at)(?: (ms|millis|milliseconds|s|sec|secs|seconds))?$/;
/** "Try again in about 20 seconds", "retry after 1.5 s" */
const PHRASE =
  /\b(?:again|retry|back|poll|check|wait) (?:in |after |every |for )?(?:about |at least |~)?(\d{1,5}(?:\.\d{1,3})? ?(?:ms|s|secs?|seconds?|m|mins?|minutes?))\b/i;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, mi: 1, s: 1000, m: 60_000, h: 3_600_000 };
const MAX_CHARACTERS = 2000;
/** Nobody asks to be polled that rarely: more is meant in milliseconds. */
const MAX_SECONDS = 1000;

/** Milliseconds after which a server wants to be asked again, where an answer says so under a usual key or in a phrase. */
export function usualHintMs(data: AnswerData): number | undefined {
  for (const fact of answerFactsOf(data, undefined)) {
    const hintMs = hintOf(fact);
    if (hintMs !== undefined) return hintMs;
  }
  return hintInText(data.text);
}

/** The same of a text: "Rate limit exceeded. Please try again in 20s." */
export function hintInText(text: string): number | undefined {
  const said = PHRASE.exec(text.slice(0, MAX_CHARACTERS))?.[1];
  return said === undefined ? undefined : durationOf(said);
}

function hintOf({ key, words, value }: Fact): number | undefined {
  const [matched, unit] = KEY.exec(words.join(' ')) ?? [];
  if (matched === undefined) return undefined;
  const isMs = unit?.startsWith('m') === true || key === 'pollInterval';
  const number = typeof value === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
  if (typeof number === 'number')
    return number * (isMs || (unit === undefined && number >= MAX_SECONDS) ? 1 : 1000);
  if (typeof number !== 'string' || number.length > 60) return undefined;
  return parseRetryAfter(number, Date.now()) ?? durationOf(number);
}

/** "30s", "2 minutes", "PT1M30S" */
function durationOf(text: string): number | undefined {
  const parts = [...text.toLowerCase().matchAll(/(\d{1,9}(?:\.\d{1,9})?) ?(ms|mi(?=lli)|s|m|h)/g)];
  if (parts.length === 0) return undefined;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}
