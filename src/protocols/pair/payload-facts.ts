import { isRecord } from '../tool-result.js';
import type { AnswerData } from './answer-data.js';
import { wordsOf } from './usual-places.js';

const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Keys under which the result of work stands. */
const RESULT = list(
  'result results output outputs response report answer transcript transcription artifacts artifact files images videos citations summary markdown rows items records counts documents pages urls',
);
/** Keys of a URL at which the result is: not that of the status, of a page about it, or of logs. */
const URL_OF_RESULT = list(
  'video image audio file result output download model asset report media pdf csv zip mp4 mp3 glb thumbnail signed presigned public final',
);
/** Longer than what anybody says about a state. */
const LONG = 400;
const MAX_DEPTH = 5;
const MAX_KEYS = 1000;

/** Whether an answer brings more than a state: what has come of the work. */
export function bringsResult({ sources, prose }: AnswerData): boolean {
  const left = { keys: MAX_KEYS };
  return prose.length > LONG * 2 || sources.some(source => isResult(source, 0, left));
}

function isResult(value: unknown, depth: number, left: { keys: number }): boolean {
  if (depth > MAX_DEPTH || !isRecord(value)) return false;
  return Object.entries(value).some(([key, inner]) => {
    if (left.keys-- <= 0) return false;
    const words = wordsOf(key);
    const isOfResult = RESULT.has(words.at(-1) ?? '') || isResultUrl(words);
    if (isOfResult && isSomething(inner)) return true;
    if (typeof inner === 'string') return inner.length > LONG;
    return isResult(inner, depth + 1, left);
  });
}

function isResultUrl(words: readonly string[]): boolean {
  const last = words.at(-1);
  if (last !== 'url' && last !== 'uri' && last !== 'link') return false;
  return words.length === 1 || words.some(word => URL_OF_RESULT.has(word));
}

function isSomething(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return typeof value === 'number';
}
