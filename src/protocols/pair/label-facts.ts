import type { Fact, Scalar } from './subject.js';
import { wordsOf } from './usual-places.js';

/** A text in which a state is told is short, or tells it at its beginning. */
const MAX_TEXT = 20_000;
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
    .slice(0, MAX_TEXT)
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
  const places = [beginning.indexOf(':'), beginning.indexOf('=')].filter(place => place > 0);
  return places.length === 0 ? -1 : Math.min(...places);
}

/** A label: a few words, without what a list begins its lines with. */
function labelOf(text: string): string | undefined {
  const label = plainWords(text).replace(/^(?:[-•–+]|\d{1,3}[.)]) {0,3}/, '');
  return /^[A-Za-z][\w /()-]*$/.test(label) && label.split(' ').length <= MAX_WORDS ? label : undefined;
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
