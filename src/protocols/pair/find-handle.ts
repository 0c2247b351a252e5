import { IDS, singular } from '../lexicon.js';
import type { AnswerData } from './answer-data.js';
import { answerFactsOf } from './answer-facts.js';
import { firstToken, labelled } from './labels.js';
import type { Fact } from './subject.js';
import { wordsOf } from './usual-places.js';

/** How a handle was found, the best first. */
export type HandleEvidence = 'key' | 'described' | 'noun' | 'label' | 'prefix' | 'bare' | 'lone';

export interface FoundHandle {
  readonly evidence: HandleEvidence;
  /** Each once, as they stand in the answer. */
  readonly values: readonly (string | number)[];
  /** The key or label. */
  readonly at: string;
}

export interface SoughtHandle {
  /** The status tool's argument. */
  readonly argument: string;
  /** What its schema says of it. */
  readonly description: string;
  readonly nouns: readonly string[];
  /** What came with the call is no handle. */
  readonly given: ReadonlySet<string>;
}

/** Ends of names under which an id may stand, whatever the argument is called. */
const ID_KEYS = new Set([...IDS, 'key', 'gid', 'sid', 'number']);
/** Arguments that say nothing of what they are the id of. */
const BARE = new Set('id uuid guid uid gid name key url ref reference handle'.split(' '));
const URLS = new Set(['url', 'uri', 'link', 'href', 'arn']);
const MAX_CHARACTERS = 500;

/** The handles that an answer has for an argument, by the best evidence that there is. */
export function findHandle(data: AnswerData, sought: SoughtHandle): FoundHandle | undefined {
  const facts = answerFactsOf(data, undefined, true);
  for (const [evidence, values, at] of candidates(data, facts, sought)) {
    const usable = [...new Set(values.map(withoutStop).filter(value => isUsable(value, sought)))] as (
      | string
      | number
    )[];
    if (usable.length > 0) return { evidence, values: usable, at };
  }
  return undefined;
}

function* candidates(
  data: AnswerData,
  facts: readonly Fact[],
  sought: SoughtHandle,
): Generator<readonly [HandleEvidence, readonly unknown[], string]> {
  const { argument, description, nouns } = sought;
  const words = wordsOf(argument.split('.').at(-1) ?? argument);
  const isBare = words.length === 1 && BARE.has(words[0] ?? '');
  const under = (key: readonly string[]) =>
    shallowest(facts.filter(fact => fact.words.join(' ') === key.join(' ')));
  if (!isBare) {
    yield ['key', under(words), argument];
    yield ['label', labelledIds(data, [words.join(' '), words.join('_')]), words.join(' ')];
  }
  for (const named of namesIn(description)) {
    yield ['described', under(named), named.join('_')];
    yield ['label', labelledIds(data, [named.join(' '), named.join('_')]), named.join(' ')];
  }
  // The id of what is started, under any of its names: `deployment_uuid` for `uuid`, `project` for `project_id`.
  const last = words.at(-1) ?? '';
  for (const noun of [...words.slice(0, IDS.has(last) ? -1 : undefined).map(singular), ...nouns]) {
    const keys = facts.filter(fact => isIdOf(fact.words, noun, last));
    yield ['noun', shallowest(keys), noun];
    yield ['label', numbered(data, noun), `${noun} #`];
    yield ['label', labelledIds(data, [`${noun} id`, `${noun}_id`, `${noun} ${last}`, `${noun} uuid`]), noun];
  }
  const prefix = /(?:starts?|begins?|prefix(?:ed)?) (?:with )?['"`]([\w-]{1,12}[_:-])/i.exec(
    description.slice(0, 1000),
  )?.[1];
  if (prefix !== undefined)
    yield ['prefix', tokensOf(data).filter(token => token.startsWith(prefix)), prefix];
  yield ['bare', bare(facts, last), last];
  if (IDS.has(last)) yield ['label', labelledIds(data, ['id']), 'ID'];
  yield ['lone', loneIds(data, facts), 'text'];
}

/** Values of the facts that are nearest to the top. */
function shallowest(facts: readonly Fact[]): readonly unknown[] {
  const least = Math.min(...facts.map(({ within }) => within.length));
  return facts.filter(({ within }) => within.length === least).map(({ value }) => value);
}

function isIdOf(words: readonly string[], noun: string, last: string): boolean {
  if (words.length < 1 || words.length > 4) return false;
  const end = words.at(-1) ?? '';
  const nouns = words.slice(0, -1).map(singular);
  if (words.length === 1) return singular(end) === noun && end !== last;
  const isKind = URLS.has(last) ? URLS.has(end) : last === 'name' ? end === 'name' : ID_KEYS.has(end);
  return isKind && nouns.at(-1) === noun;
}

/** Names of keys that a description speaks of: `crawl_id`, "Project ID". */
function namesIn(description: string): readonly (readonly string[])[] {
  const shortened = description.slice(0, 1000);
  const keys = (shortened.match(/[A-Za-z_]{4,60}/g) ?? []).filter(word => /[a-z][_A-Z]/.test(word));
  const phrases = shortened.match(/\b[A-Za-z]{2,30} (?:ID|UUID|id|uuid|identifier|Name|URL)\b/g) ?? [];
  const named = [...keys, ...phrases]
    .map(wordsOf)
    .map(words => words.map(word => (word === 'identifier' ? 'id' : word)));
  return named
    .filter(
      words =>
        words.length > 1 &&
        (ID_KEYS.has(words.at(-1) ?? '') || words.at(-1) === 'name' || URLS.has(words.at(-1) ?? '')),
    )
    .slice(0, 6);
}

function labelledIds({ prose }: AnswerData, labels: readonly string[]): readonly string[] {
  return labels.flatMap(label => labelled(prose, label)).flatMap(value => firstToken(value) ?? []);
}

/** "pipeline #7", "crawl 0f3c…" */
function numbered(data: AnswerData, noun: string): readonly string[] {
  return labelledIds(data, [noun]).filter(token => /^\d{1,15}$/.test(token) || isMachineId(token));
}

/** `id` itself, of what the answer is about. */
function bare(facts: readonly Fact[], last: string): readonly unknown[] {
  const keys = [last, ...(IDS.has(last) || last.endsWith('id') ? ['id', 'uuid', 'uid'] : [])];
  for (const key of keys) {
    const values = shallowest(
      facts.filter(fact => fact.key.toLowerCase() === key && fact.within.length <= 2),
    );
    if (values.length > 0) return values;
  }
  return [];
}

function tokensOf({ text }: AnswerData): readonly string[] {
  return text.slice(0, 20_000).match(/[\w-]{4,200}/g) ?? [];
}

/** Ids that only machines make, in a short text or as all that an answer tells: `{"result": "0f3c…"}`. */
function loneIds({ prose }: AnswerData, facts: readonly Fact[]): readonly string[] {
  const only = facts.length === 1 ? String(facts[0]?.value) : '';
  const tokens = `${only} ${prose.slice(0, 2000)}`.match(/[\w-]{6,200}/g) ?? [];
  return tokens.filter(token => /\d/.test(token) && /[a-f]/i.test(token) && isMachineId(token));
}

function isMachineId(token: string): boolean {
  if (
    /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(token) ||
    /^[\da-f]{12,64}$/i.test(token)
  )
    return true;
  const digits = token.replace(/\D/g, '').length;
  return token.length >= 16 && digits >= 4 && /[a-z]/i.test(token) && !/^\d{4}-\d\d-\d\d/.test(token);
}

/** A handle in a text may end its sentence. */
function withoutStop(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/[.,;!?]$/, '') : value;
}

function isUsable(value: unknown, { argument, given }: SoughtHandle): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !given.has(String(value));
  if (typeof value !== 'string' || value === '' || value.length > MAX_CHARACTERS || /\s/.test(value))
    return false;
  const isUrl = /^[a-z]{2,8}:\/\//i.test(value);
  return !given.has(value) && (!isUrl || URLS.has(wordsOf(argument).at(-1) ?? ''));
}
