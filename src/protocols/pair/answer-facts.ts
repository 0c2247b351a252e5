import { WORK_NOUNS } from '../lexicon/nouns.js';
import { isRecord } from '../tool-result.js';
import type { AnswerData } from './answer-data.js';
import { labelFacts } from './label-facts.js';
import type { Fact, Scalar, Subject } from './subject.js';
import { wordsOf } from './usual-places.js';

/** More is a result, not a state. */
const MAX_FACTS = 2000;
const MAX_DEPTH = 8;
const NONE: Subject = { ids: [], nouns: [] };

/** Containers that say nothing of what they hold. */
const ENVELOPES = new Set(
  'data result results response body payload attributes output value info details detail metadata status state content'.split(
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
    if (isOwn || all) facts.push(...values.map(each => ({ key, words: wordsOf(key), value: each, within })));
    if (values.length === 0 && typeof inner === 'object')
      // `{"data": {"id": X, "attributes": {"status": …}}}`
      collect(inner, { ...at, within: [...within, key], isOwn: isOwn && isAbout(key, subject, holds) });
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
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
