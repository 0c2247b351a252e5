import type { Fact, Scalar } from './subject.js';
import { wordsOf } from './usual-places.js';

/** Between a label and its value: "Task ID: X", "| **Task ID** | `X` |", "PID 7". */
const SEPARATORS = new Set(' \t*_`|:=#"\'(');
const STRONG = new Set(':=|');
/** A label of its own at the beginning of a line. */
const OWN_LABEL = /^[\s*_>#|-]*[A-Za-z][\w /-]{0,40}[*_`]{0,4}[:=|]/;
const MAX_TEXT = 100_000;
const MAX_VALUE = 1000;

/** The values that stand behind a label in a text, each to the end of its line or table cell. */
export function labelled(text: string, label: string): readonly string[] {
  const values: string[] = [];
  const shortened = text.slice(0, MAX_TEXT);
  const [haystack, needle] = [shortened.toLowerCase(), label.toLowerCase()];
  if (needle === '') return values;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) {
    const value = valueBehind(shortened, at, needle.length);
    if (value !== undefined) values.push(value);
  }
  return values;
}

function valueBehind(text: string, at: number, length: number): string | undefined {
  if (/\w/.test(text[at - 1] ?? '')) return undefined;
  const from = at + length;
  const to = endOfSeparators(text, from);
  if (to === from && !isLineBreak(text[to])) return undefined;
  const value = isLineBreak(text[to]) ? belowHeading(text, to) : endedValue(text.slice(to, to + MAX_VALUE));
  if (value === undefined || value === '') return undefined;
  const isMarked =
    [...text.slice(from, to)].some(character => STRONG.has(character)) ||
    (isLineBreak(text[to]) && /^[#*]/.test(text.slice(startOfLine(text, at), at)));
  // "the task ID you were given" is a sentence.
  return isMarked || /^["'`]?\S{0,200}\d/.test(value) ? value : undefined;
}

function endOfSeparators(text: string, from: number): number {
  const most = Math.min(text.length, from + MAX_VALUE);
  let at = from;
  while (at < most && SEPARATORS.has(text.charAt(at))) at++;
  return at;
}

function startOfLine(text: string, at: number): number {
  return Math.max(text.lastIndexOf('\n', at - 1) + 1, at - MAX_VALUE);
}

function isLineBreak(character: string | undefined): boolean {
  return character === '\n' || character === '\r';
}

/** The first line with anything on it below a label that ends its line, unless that line has a label of its own. */
function belowHeading(text: string, at: number): string | undefined {
  const line = text
    .slice(at, at + MAX_VALUE)
    .split('\n')
    .find(each => each.trim() !== '');
  return line === undefined || OWN_LABEL.test(line.slice(0, 100)) ? undefined : endedValue(line);
}

/** A value ends with its line, its table cell, or what Markdown stresses. */
function endedValue(behind: string): string {
  const ends = ['|', '\n', '\r', '**'].map(end => behind.indexOf(end)).filter(end => end >= 0);
  return behind
    .slice(0, Math.min(behind.length, ...ends))
    .replace(/[`*]/g, '')
    .trim();
}

/** The first word of a value, as a handle: without quotes and what ends a sentence. */
export function firstToken(value: string): string | undefined {
  return /^["'`(<]*([^\s"'`,;<>()|]*[^\s"'`,;<>()|.!?])/.exec(value.slice(0, 3000))?.[1];
}

/** A text in which a state is told is short, or tells it at its beginning. */
const MAX_STATE_TEXT = 20_000;
const MAX_LINES = 300;
const MAX_LABEL = 45;
const MAX_WORDS = 5;

/** What a text says behind labels at the beginnings of its lines, and in the cells of its tables. */
export function labelFacts(text: string): readonly Fact[] {
  const lines = linesOf(text);
  return lines.flatMap((line, index) => [
    ...cellsOf(line).flatMap(cell => factOfCell(cell, lines[index + 1])),
    ...rowFact(line),
    ...tableFacts(lines, index),
  ]);
}

/** The lines of the beginning of a text. */
export function linesOf(text: string): readonly string[] {
  return text
    .slice(0, MAX_STATE_TEXT)
    .split('\n', MAX_LINES * 4)
    .map(line => line.trim())
    .filter(line => line !== '')
    .slice(0, MAX_LINES);
}

/** A text without what Markdown and pictures add to it. */
export function plainWords(text: string): string {
  return text
    .replace(/[`*_#>]|\p{Extended_Pictographic}|\ufe0f/gu, character => (character === '_' ? '_' : ' '))
    .trim();
}

function cellsOf(line: string): readonly string[] {
  return line
    .slice(0, 2000)
    .split(/ [|·] |\|/)
    .map(plainWords)
    .filter(cell => cell !== '');
}

/** "Status: running" */
function factOfCell(cell: string, below: string | undefined): readonly Fact[] {
  const at = separatorIn(cell);
  if (at < 0 || cell.startsWith('//', at + 1)) return [];
  const key = labelOf(cell.slice(0, at));
  if (key === undefined) return [];
  const said = plainWords(cell.slice(at + 1));
  if (said !== '') return [fact(key, said)];
  const under = below === undefined ? '' : plainWords(below.replace(/^[-*•] /, ''));
  return under === '' || separatorIn(under) >= 0 ? [] : [fact(key, under)];
}

function separatorIn(cell: string): number {
  const beginning = cell.slice(0, MAX_LABEL);
  const at = beginning.slice(1).search(/[:=：]/);
  return at < 0 ? -1 : at + 1;
}

/** A label: a few words, without what a list begins its lines with. */
function labelOf(text: string): string | undefined {
  const label = plainWords(text).replace(/^(?:[-•–+]|\d{1,3}[.)]) {0,3}/, '');
  return /^\p{L}[\p{L}\p{M}\w /()-]*$/u.test(label) && label.split(' ').length <= MAX_WORDS
    ? label
    : undefined;
}

/** "| Status | running |" */
function rowFact(line: string): readonly Fact[] {
  if (!line.startsWith('|')) return [];
  const [key = '', value, ...others] = cellsOf(line);
  const label = labelOf(key);
  return label === undefined || value === undefined || others.length > 0 || /^[-: ]+$/.test(value)
    ? []
    : [fact(label, value)];
}

/** A table of one row below its heads. */
function tableFacts(lines: readonly string[], index: number): readonly Fact[] {
  const [head = '', rule = '', row = '', next = ''] = lines.slice(index, index + 4);
  if (!head.includes('|') || !/^[|:\- ]{3,}$/.test(rule) || !row.includes('|') || next.includes('|'))
    return [];
  const heads = cellsOf(head);
  const values = cellsOf(row);
  if (heads.length !== values.length || heads.length < 3) return [];
  return heads.flatMap((each, column) => {
    const key = labelOf(each);
    return key === undefined ? [] : [fact(key, values[column] ?? '')];
  });
}

function fact(key: string, value: string): Fact {
  return { key, words: wordsOf(key), value: scalarOf(value), within: [] };
}

function scalarOf(value: string): Scalar {
  if (/^(yes|true)[.!]?$/i.test(value)) return true;
  if (/^(no|false)[.!]?$/i.test(value)) return false;
  if (/^(none|null|n\/a)$/i.test(value)) return null;
  return /^\d{1,15}$/.test(value) ? Number(value) : value;
}
