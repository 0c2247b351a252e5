import { WORK_NOUNS } from '../lexicon.js';
import { isRecord } from '../tool-result.js';
import type { AnswerData } from './answer-data.js';
import { labelFacts } from './labels.js';
import type { Fact, Scalar, Subject } from './subject.js';
import { wordsOf } from './usual-places.js';

/** More is a result, not a state. */
const MAX_FACTS = 2000;
const MAX_DEPTH = 8;
const NONE: Subject = { ids: [], nouns: [] };

/** Containers that say nothing of what they hold. */
const ENVELOPES = new Set(
  'data result results response body payload attributes output value info details detail metadata status state content progress'.split(
    ' ',
  ),
);

/** What is said in JSON, source by source; in parts that are about something else only where `all` is wanted. */
export function dataFacts(
  { sources }: AnswerData,
  subject: Subject = NONE,
  all = false,
): readonly (readonly Fact[])[] {
  return sources.map(source => {
    const facts: Fact[] = [];
    collect(source, { within: [], subject, all, facts, isOwn: true });
    return facts;
  });
}

/** What is said in JSON, or in labels of a text. */
export function answerFactsOf(data: AnswerData, subject: Subject = NONE, all = false): readonly Fact[] {
  return [...dataFacts(data, subject, all).flat(), ...labelFacts(data.prose)];
}

interface Collecting {
  readonly within: readonly string[];
  readonly subject: Subject;
  readonly all: boolean;
  readonly facts: Fact[];
  /** Whether what is here is about the subject. */
  readonly isOwn: boolean;
}

function collect(value: unknown, at: Collecting): void {
  const { within, facts, subject, all } = at;
  if (facts.length >= MAX_FACTS || within.length > MAX_DEPTH) return;
  if (Array.isArray(value)) {
    const own =
      value.length === 1 || all
        ? value.slice(0, MAX_FACTS)
        : value.filter(item => holdsHandle(item, subject));
    for (const item of own) collect(item, at);
    return;
  }
  if (!isRecord(value)) return;
  const isOwn = at.isOwn || holdsHandle(value, subject);
  const holds = holdsHandle(value, subject);
  for (const [key, inner] of Object.entries(value)) {
    if (facts.length >= MAX_FACTS) return;
    // `"status_list": ["Done", "Generating"]`: each says something.
    const values = isScalar(inner)
      ? [inner]
      : Array.isArray(inner) && inner.every(isScalar)
        ? inner.slice(0, 100)
        : [];
    if (isOwn || all || subject.ids.includes(key)) facts.push(...values.map(each => factOf(key, each, at)));
    if (values.length === 0 && typeof inner === 'object')
      // `{"data": {"id": X, "attributes": {"status": …}}}`
      collect(inner, {
        ...at,
        within: [...within, key],
        isOwn: subject.ids.includes(key) || (isOwn && isAbout(key, subject, holds)),
      });
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** `{"x-1": "running"}` tells the status of x-1. */
function factOf(key: string, value: Scalar, { subject, within }: Collecting): Fact {
  const name = subject.ids.includes(key) ? 'status' : key;
  return { key: name, words: wordsOf(name), value, within };
}

/** Whether what is below a key is about what is above it. */
function isAbout(key: string, { nouns }: Subject, holds: boolean): boolean {
  const words = wordsOf(key);
  const last = words.at(-1) ?? '';
  if (ENVELOPES.has(key.toLowerCase()) && (holds || !['metadata', 'output', 'content'].includes(key)))
    return true;
  return words.length <= 2 && (WORK_NOUNS.has(last) || nouns.includes(last));
}

function holdsHandle(value: unknown, { ids }: Subject): boolean {
  if (ids.length === 0 || !isRecord(value)) return false;
  return Object.values(value).some(inner => typeof inner !== 'object' && ids.includes(String(inner)));
}

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
const MAX_RESULT_DEPTH = 5;
const MAX_KEYS = 1000;

/** Whether an answer brings more than a state: what has come of the work. */
export function bringsResult({ sources, prose }: AnswerData): boolean {
  const left = { keys: MAX_KEYS };
  return prose.length > LONG * 2 || sources.some(source => isResult(source, 0, left));
}

function isResult(value: unknown, depth: number, left: { keys: number }): boolean {
  if (depth > MAX_RESULT_DEPTH || !isRecord(value)) return false;
  return Object.entries(value).some(([key, inner]) => {
    if (left.keys-- <= 0) return false;
    const words = wordsOf(key);
    // What was asked for is not what came of it.
    if (words[0] === 'request') return false;
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
