import type { TaskStatus } from '../../types.js';
import { WORK_NOUNS } from '../lexicon.js';
import { linesOf, plainWords } from './labels.js';
import type { Subject } from './subject.js';
import { meaningOf } from './words.js';

const MAX_SENTENCES = 60;
const MAX_WORDS = 40;
/** Stands for the handle. */
const HANDLE = '§';

/** What a sentence says that tells what to do, or what will be: it tells no state. */
const NOT_YET_TOLD = new Set(
  'use call check when once if until after to will can may should would please run see poll or unless whether before then wait try'.split(
    ' ',
  ),
);
/** Between what is spoken of and its state: "the job has now been cancelled". */
const LINKS = new Set(
  'is are was were has have been be now still already currently just also successfully state status it its the a an'.split(
    ' ',
  ),
);
const NEGATIONS = new Set('not no never isn hasn wasn yet cannot incomplete unfinished'.split(' '));
/** Words that tell a state in a sentence, besides those of the table that say so by their form. */
const ENDS = new Set(
  'completed complete finished done succeeded failed errored crashed cancelled canceled aborted terminated killed expired'.split(
    ' ',
  ),
);
const GOING = new Set(
  'running processing pending queued generating rendering waiting working building started starting crawling scraping training transcribing executing preparing uploading downloading ongoing underway encoding indexing analyzing scheduled enqueued'.split(
    ' ',
  ),
);

/** The state that the sentences of a text tell of the subject: what goes on counts before what has ended, a failure before success. */
export function stateInSentences(text: string, subject: Subject): TaskStatus | undefined {
  const told = sentencesOf(text)
    .map(sentence => stateOfSentence(sentence, subject))
    .filter(state => state !== undefined);
  return (['working', 'failed', 'cancelled', 'completed'] as const).find(status => told.includes(status));
}

function sentencesOf(text: string): readonly string[] {
  return linesOf(text)
    .flatMap(line => line.slice(0, 2000).split(/[.!?…;](?= |$)/))
    .map(sentence => sentence.trim())
    .filter(sentence => sentence !== '')
    .slice(0, MAX_SENTENCES);
}

function stateOfSentence(sentence: string, subject: Subject): TaskStatus | undefined {
  // What clients of HTTP say of their own request.
  if (/\brequest failed with status/i.test(sentence)) return undefined;
  const cells = sentence.split(' | ').map(plainWords);
  if (cells.length > 1) return stateOfCells(cells, subject);
  const words = wordsOfSentence(sentence, subject);
  if (words.length === 0 || words.length > MAX_WORDS) return undefined;
  const at = words.findIndex(
    word => ENDS.has(word) || GOING.has(word) || isWritten(word) || isGoingOn(word, words),
  );
  const state = at < 0 ? undefined : stateOf(words[at] ?? '');
  if (state === undefined || words.slice(0, at).some(word => NOT_YET_TOLD.has(word))) return undefined;
  if (!isAboutSubject(words, at, subject)) return undefined;
  const isDenied = words.slice(0, at + 2).some(word => NEGATIONS.has(word));
  if (isDenied) return state === 'completed' ? 'working' : undefined;
  // "still" takes the end out of any word.
  return words.slice(0, at).includes('still') ? 'working' : state;
}

/** "running | X | 3 of 10": a line of cells, of which one is the handle and another the word. */
function stateOfCells(cells: readonly string[], { ids }: Subject): TaskStatus | undefined {
  if (!cells.some(cell => ids.includes(cell))) return undefined;
  return cells.map(cell => meaningOf(cell, { own: {} })).find(status => status !== undefined);
}

function wordsOfSentence(sentence: string, { ids }: Subject): readonly string[] {
  const named = ids
    .filter(id => id.length > 2)
    .reduce((text, id) => text.replaceAll(id, ` ${HANDLE} `), sentence);
  const said = plainWords(named)
    .toLowerCase()
    .replace(/in[ -]progress/g, 'ongoing')
    .replace(/timed[ -]out/g, 'failed');
  return said.split(/[^a-z§_]+/).filter(word => word !== '');
}

function stateOf(word: string): TaskStatus | undefined {
  if (GOING.has(word)) return 'working';
  return meaningOf(word, { own: {} }) ?? 'working';
}

/** `timed_out` is written by a machine, and never by chance. */
function isWritten(word: string): boolean {
  return word.includes('_') && meaningOf(word, { own: {} }) !== undefined;
}

/** "is being stitched", "still baking". */
function isGoingOn(word: string, words: readonly string[]): boolean {
  return (
    word.endsWith('ing') &&
    word.length > 5 &&
    word !== 'nothing' &&
    (words.includes('still') || words.includes('being'))
  );
}

/** Whether the state is that of the handle, or of what the tools are about, and not of anything else in the sentence. */
function isAboutSubject(words: readonly string[], at: number, { nouns }: Subject): boolean {
  const before = words.slice(0, at).filter(word => !LINKS.has(word) && !NEGATIONS.has(word));
  const isNoun = (word: string) => word === HANDLE || WORK_NOUNS.has(word) || nouns.includes(word);
  // "Completed", "Still running", "Crawl X failed", "The video generation has finished"
  if (before.length === 0) return words.length <= 4 || isNoun(words[at + 1] ?? '') || words.includes(HANDLE);
  return before.length <= 4 && before.some(isNoun);
}
