import type { Progress } from '../../types.js';
import { isRecord } from '../tool-result.js';
import type { AnswerData } from './answer-data.js';
import { answerFactsOf } from './answer-facts.js';
import type { Place } from './profile.js';
import type { Fact, Subject } from './subject.js';
import { wordsOf } from './usual-places.js';

const PERCENT = new Set(['percent', 'percentage', 'pct']);
const TOTAL = new Set(['total', 'total_count', 'totalcount', 'max', 'total_pages', 'total_steps', 'steps']);
const DONE = new Set(['completed', 'current', 'processed', 'done', 'finished', 'current_step', 'step']);

/** The progress that facts tell: a percentage, a share, or n of m. */
export function progressOfFacts(facts: readonly Fact[]): Progress | undefined {
  for (const fact of facts) {
    const progress = progressOf(fact);
    if (progress !== undefined) return progress;
  }
  const total = numberUnder(facts, TOTAL);
  const done = numberUnder(facts, DONE);
  return total === undefined || done === undefined || total <= 0 || done > total
    ? undefined
    : { progress: done, total };
}

/** How much is done, from 0 to 1, where an answer tells. */
export function shareOfFacts(facts: readonly Fact[]): number | undefined {
  const { progress, total } = progressOfFacts(facts) ?? {};
  return progress === undefined || total === undefined ? undefined : progress / total;
}

export function shareIn(data: AnswerData, subject?: Subject): number | undefined {
  return shareOfFacts(answerFactsOf(data, subject));
}

/** The progress at a place that a profile tells of: a number under a name of progress is a percentage, unless a total is told. */
export function progressAtPlace(value: unknown, place: Place, hasTotal: boolean): Progress | undefined {
  const given = readProgress(value);
  if (given !== undefined) return given;
  const key = typeof place === 'string' ? place.split('.').at(-1) : place.label;
  const { isPercent, isProgress } = namesOf(wordsOf(key ?? ''));
  // Behind a label all is text.
  const mayBeNumber = typeof place !== 'string' || isPercent;
  const number = (mayBeNumber ? numberOf(value) : undefined) ?? value;
  if (typeof number === 'string') return ofText(number);
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return (
    (hasTotal || !(isPercent || isProgress) ? undefined : ofNumber(number, isPercent)) ?? { progress: number }
  );
}

function namesOf(words: readonly string[]) {
  const isShort = words.length <= 3;
  return {
    isPercent: isShort && words.some(word => PERCENT.has(word)),
    isProgress: isShort && words.includes('progress'),
  };
}

function progressOf({ words, value, within }: Fact): Progress | undefined {
  const { isPercent, isProgress } = namesOf(words);
  if (!isPercent && !isProgress && !(within.at(-1) === 'progress' && isPercent)) return undefined;
  const number = numberOf(value);
  if (number !== undefined) return ofNumber(number, isPercent);
  return typeof value === 'string' ? ofText(value) : undefined;
}

/** A number, also as a text: `"40"`. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const isNumeral = typeof value === 'string' && /^\s*\d{1,15}(\.\d{1,15})?\s*$/.test(value);
  return isNumeral ? Number(value) : undefined;
}

function ofNumber(value: number, isPercent: boolean): Progress | undefined {
  if (!Number.isFinite(value) || value < 0 || value > 100) return undefined;
  // 0.4 is a share, and 1 may be either: only of 1 % is it sure that it is not the end.
  return !isPercent && !Number.isInteger(value) && value < 1
    ? { progress: value * 100, total: 100 }
    : { progress: value, total: 100 };
}

/** "40%", "1,5 %", "40 percent", "3/10 pages", "3 of 10" */
function ofText(value: string): Progress | undefined {
  const text = value.slice(0, 60);
  const percentage = /(\d{1,3}(?:[.,]\d{1,9})?) ?(?:%|percent)/.exec(text)?.[1];
  if (percentage !== undefined) return ofTotal(Number(percentage.replace(',', '.')), 100);
  const [, done, total] = /(\d{1,9}) ?(?:\/|of) ?(\d{1,9})/.exec(text) ?? [];
  return done === undefined ? undefined : ofTotal(Number(done), Number(total));
}

/** Nothing is more than all of it. */
function ofTotal(progress: number, total: number): Progress | undefined {
  return total > 0 && progress <= total ? { progress, total } : undefined;
}

function numberUnder(facts: readonly Fact[], keys: ReadonlySet<string>): number | undefined {
  return facts
    .filter(({ key }) => keys.has(key.toLowerCase()))
    .map(({ value }) => numberOf(value))
    .find(value => value !== undefined);
}

/** Progress in MCP's shape; undefined when the value is none. */
export function readProgress(value: unknown): Progress | undefined {
  if (!isRecord(value) || typeof value.progress !== 'number' || !Number.isFinite(value.progress))
    return undefined;
  const { progress, total, message } = value;
  return {
    progress,
    ...(typeof total === 'number' && Number.isFinite(total) && { total }),
    ...(typeof message === 'string' && { message }),
  };
}
