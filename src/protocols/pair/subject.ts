import { CHANGING, GENERIC, MACHINE, READING, STATE, singular } from '../lexicon.js';
import { startTools } from '../tool-definition.js';
import type { Pair } from './profile.js';
import { wordsOf } from './usual-places.js';

export type Scalar = string | number | boolean | null;

/** One thing that an answer says. */
export interface Fact {
  readonly key: string;
  /** Of the key. */
  readonly words: readonly string[];
  readonly value: Scalar;
  /** The keys of what it is in. */
  readonly within: readonly string[];
}

/** What the answer is about: its handles, and words of the tools. */
export interface Subject {
  readonly ids: readonly string[];
  readonly nouns: readonly string[];
}

/** What the answers of a pair are about. */
export function subjectOf(pair: Pair, ids: readonly string[]): Subject {
  return { ids, nouns: nounsOf(pair) };
}

/** The words of the names of its tools that say what they are about. */
export function nounsOf(pair: Pair): readonly string[] {
  const names = [...startTools(pair).slice(0, 5), pair.status.tool, pair.status.handleArgument];
  const words = names.flatMap(wordsOf).map(singular);
  return [...new Set(words.filter(isNoun))];
}

function isNoun(word: string): boolean {
  // "crawl" and "render" are what a machine does, and what it has done.
  if (MACHINE.has(word)) return true;
  return !GENERIC.has(word) && !STATE.has(word) && !READING.has(word) && !CHANGING.has(word) && word !== 'id';
}
