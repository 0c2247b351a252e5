import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { TaskStatus } from '../../types.js';
import { type AnswerData, dataOf, valueAt, valuesAt } from '../pair/answer-data.js';
import { readStatusAnswer } from '../pair/answers.js';
import { findHandle } from '../pair/find-handle.js';
import { idsIn, soughtOf, type TaskId } from '../pair/handle.js';
import { labelFacts } from '../pair/labels.js';
import type { Pair, Place } from '../pair/profile.js';
import { wordsOf } from '../pair/usual-places.js';
import { fold, lettersOf, meaningOf } from '../pair/words.js';
import type { PollAnswer } from '../protocol.js';
import { isRecord } from '../tool-result.js';

/** What the two tools answered in one run of a pair. */
export interface TriedAnswers {
  readonly started: CallToolResult;
  readonly id: TaskId;
  /** Of the status tool about that handle, in order; at least one. */
  readonly statuses: readonly CallToolResult[];
}

const MAX_PLACES = 150;
const MAX_DEPTH = 6;
/** Names of fields: no ids, and nothing that a path could not lead through. */
const KEY = /^[A-Za-z_$][\w$-]{0,59}$/;
const LABEL = /^[A-Za-z][\w /()-]{0,44}$/;
const MADE = /\d{4}|[\da-f]{8}/i;
const WORD = /^\p{L}[\p{L}\d _-]{0,39}$/u;
const STATE_NAME = /^(?:status|state|phase|stage|conclusion)$/;
const MESSAGE_NAME = /^(?:message|msg|detail|details|description|text)$/;

/**
 * A profile with what one run has shown: where the handle, the state, the progress and the message are, and which words
 * mean what. Only names and words that are known go into it, no other value of an answer. A place counts where the
 * answers read the same with it as without it.
 */
export function learnPair(pair: Pair, tried: TriedAnswers): Pair {
  const { id, statuses } = tried;
  const answers = statuses.map(dataOf);
  const named = (data: AnswerData) => placesIn(data).filter(place => !isOfHandle(place, id));
  const usual = readAll(pair, tried);
  const withHandle = learnHandle(pair, tried);
  const places = answers.flatMap(named);
  const statusAt = stateAmong(places, pair, { tried, answers, usual });
  const stated: Pair = statusAt === undefined ? pair : withStatus(pair, { statusAt });
  const progressed = learnProgress(stated, { places, tried, usual });
  const messageAt = places.find(
    place => MESSAGE_NAME.test(nameOf(place).at(-1) ?? '') && answers.some(data => isSentence(data, place)),
  );
  const learned: Pair = {
    ...withStatus(progressed, { ...(messageAt !== undefined && { messageAt }) }),
    start: withHandle.start,
    words: { ...wordsAt(statusAt, answers, pair), ...pair.words },
  };
  return isSame(usual, readAll(learned, { id, statuses })) ? learned : { ...pair, start: withHandle.start };
}

/** Status words of the answers at a place that nobody knows, with which a task counts as running. */
export function unknownWordIn(answer: CallToolResult, pair: Pair, id: TaskId): string | undefined {
  const [read] = readAll(pair, { statuses: [answer], id });
  const word = read?.kind === 'running' ? read.unknownWord : undefined;
  return word !== undefined && WORD.test(word) ? word : undefined;
}

function learnHandle(pair: Pair, { started, id }: TriedAnswers): Pair {
  const data = dataOf(started);
  const words = wordsOf(pair.status.handleArgument);
  const found = placesIn(data)
    .filter(place => valuesAt(data, place).some(value => String(value) === String(id)))
    .toSorted((a, b) => likeness(b, words) - likeness(a, words));
  // A label may also stand in the middle of a sentence.
  const spoken = findHandle(data, soughtOf(pair, undefined, undefined));
  if (spoken?.evidence === 'label') found.push({ label: spoken.at });
  const learned = found
    .map(handleAt => ({ ...pair, start: { ...pair.start, handleAt } }))
    .find(each => {
      const [only, second] = idsIn(data, each, { statusTool: undefined });
      return second === undefined && String(only) === String(id);
    });
  return learned ?? pair;
}

function likeness(place: Place, words: readonly string[]): number {
  return nameOf(place).filter(word => words.includes(word)).length;
}

interface Reading {
  readonly tried: TriedAnswers;
  readonly answers: readonly AnswerData[];
  readonly usual: readonly (PollAnswer | undefined)[];
}

/** Where the state is: at a place with the name of one, or where a word changed as the state did. */
function stateAmong(places: readonly Place[], pair: Pair, { tried, answers, usual }: Reading) {
  const seesBoth = usual.some(isRunning) && usual.some(each => each?.kind === 'ended');
  const isStated = (place: Place) => STATE_NAME.test(nameOf(place).at(-1) ?? '');
  const changes = (place: Place) => new Set(answers.map(data => String(valueAt(data, place)))).size > 1;
  return places
    .filter(place => answers.every(data => isStateValue(valueAt(data, place))))
    .filter(place => isStated(place) || (seesBoth && changes(place)))
    .filter(place => isSame(usual, readAll(withStatus(pair, { statusAt: place }), tried)))
    .toSorted((a, b) => Number(isStated(b)) - Number(isStated(a)))[0];
}

function isStateValue(value: unknown): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && value.length <= 60);
}

interface Progressing {
  readonly places: readonly Place[];
  readonly tried: TriedAnswers;
  readonly usual: readonly (PollAnswer | undefined)[];
}

/** Where the progress is that the answers tell in a usual way, alone or with its total. */
function learnProgress(pair: Pair, { places, tried, usual }: Progressing): Pair {
  const shown = usual.map(progressOf);
  if (shown.every(each => each === undefined)) return pair;
  const numbers = places.slice(0, MAX_PLACES / 5);
  const candidates = [
    ...places.map(progressAt => ({ progressAt })),
    ...numbers.flatMap(progressAt => numbers.map(totalAt => ({ progressAt, totalAt }))),
  ];
  const found = candidates
    .map(each => withStatus(pair, each))
    .find(each => JSON.stringify(readAll(each, tried).map(progressOf)) === JSON.stringify(shown));
  return found ?? pair;
}

function progressOf(read: PollAnswer | undefined) {
  return read?.kind === 'running' ? read.progress : undefined;
}

/** The words that stand at the place of the state, with what they mean. */
function wordsAt(place: Place | undefined, answers: readonly AnswerData[], { words }: Pair): Pair['words'] {
  if (place === undefined) return {};
  const told = new Map<string, readonly [string, TaskStatus]>();
  for (const value of answers.flatMap(data => valuesAt(data, place)).flat()) {
    const word = typeof value === 'string' ? lettersOf(value) : undefined;
    const status =
      word === undefined ? undefined : meaningOf(word, { key: nameOf(place).join('_'), own: words });
    if (word !== undefined && WORD.test(word) && status !== undefined) told.set(fold(word), [word, status]);
  }
  return Object.fromEntries(told.values());
}

/** The places of values in an answer; none whose name may be that of one thing alone. */
function placesIn(data: AnswerData): readonly Place[] {
  const paths = data.sources.flatMap(source => pathsIn(source));
  const labels = labelFacts(data.prose)
    .filter(({ key }) => LABEL.test(key) && !MADE.test(key))
    .map(({ key }): Place => ({ label: key }));
  const shallowFirst = paths.toSorted((a, b) => a.split('.').length - b.split('.').length);
  return [...new Set(shallowFirst), ...labels].slice(0, MAX_PLACES);
}

function pathsIn(value: unknown, keys: readonly string[] = []): readonly string[] {
  if (keys.length > MAX_DEPTH) return [];
  if (Array.isArray(value)) return value.length === 1 ? pathsIn(value[0], [...keys, '*']) : [];
  if (!isRecord(value)) return keys.length === 0 || keys.at(-1) === '*' ? [] : [keys.join('.')];
  return Object.entries(value)
    .filter(([key]) => KEY.test(key) && !MADE.test(key))
    .flatMap(([key, inner]) => [
      ...(isProgressObject(inner) ? [[...keys, key].join('.')] : []),
      ...pathsIn(inner, [...keys, key]),
    ]);
}

function isProgressObject(value: unknown): boolean {
  return isRecord(value) && typeof value.progress === 'number';
}

/** Whether a handle is a part of the place: `jobs.<id>.status`. */
function isOfHandle(place: Place, id: TaskId): boolean {
  return (typeof place === 'string' ? place : place.label).includes(String(id));
}

/** The words of the last key, or of a label. */
function nameOf(place: Place): readonly string[] {
  return wordsOf(typeof place === 'string' ? (place.split('.').at(-1) ?? '') : place.label);
}

function isSentence(data: AnswerData, place: Place): boolean {
  const value = valueAt(data, place);
  return typeof value === 'string' && /\s/.test(value.trim());
}

function withStatus(pair: Pair, status: Partial<Pair['status']>): Pair {
  return { ...pair, status: { ...pair.status, ...status } };
}

/** What the answers say; undefined for one that says nothing that could be read. */
function readAll(
  pair: Pair,
  { statuses, id }: Pick<TriedAnswers, 'statuses' | 'id'>,
): readonly (PollAnswer | undefined)[] {
  return statuses.map(answer => {
    try {
      return readStatusAnswer(answer, pair, id);
    } catch {
      return undefined;
    }
  });
}

function isRunning(read: PollAnswer | undefined): boolean {
  return read?.kind === 'running';
}

/** Whether two readings come to the same states. */
function isSame(
  one: readonly (PollAnswer | undefined)[],
  other: readonly (PollAnswer | undefined)[],
): boolean {
  return one.every((read, index) => stateOf(read) === stateOf(other[index]));
}

function stateOf(read: PollAnswer | undefined): string {
  if (read === undefined) return 'unread';
  return read.kind === 'ended' ? read.outcome.status : `${read.status} ${read.unknownWord ?? ''}`;
}
