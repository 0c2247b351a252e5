import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { isRecord, textOf } from '../tool-result.js';
import { labelled } from './labels.js';
import type { Places } from './profile.js';

const ENVELOPE = new Set(['content', 'structuredContent', 'isError', '_meta']);
/** Longer text is no answer about a state. */
const MAX_JSON = 5_000_000;
const MAX_DEPTH = 200;
const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 91, 93, 123, 125];
const FENCE = '```';
const MAX_FENCES = 20;

/** An answer, taken apart: where data may be, in the order in which they are believed. */
export interface AnswerData {
  readonly sources: readonly unknown[];
  readonly text: string;
  /** The text that is no JSON. */
  readonly prose: string;
}

/** Data of an answer: structured content, JSON in text (also fenced, also behind a sentence), extra keys of the answer itself. */
export function dataOf(answer: CallToolResult): AnswerData {
  const extras = Object.entries(answer).filter(([key]) => !ENVELOPE.has(key));
  const texts = (answer.content ?? []).flatMap(block => (block.type === 'text' ? [partsOf(block.text)] : []));
  return {
    sources: [
      ...(isRecord(answer.structuredContent) ? [answer.structuredContent] : []),
      ...texts.map(({ json }) => json).filter(value => value !== undefined),
      ...(extras.length > 0 ? [Object.fromEntries(extras)] : []),
    ],
    text: textOf(answer),
    prose: texts
      .map(({ prose }) => prose)
      .filter(prose => prose !== '')
      .join('\n'),
  };
}

/** The values at the first place that has any; of a label, the texts behind it. */
export function valuesAt(data: AnswerData, places: Places | undefined): readonly unknown[] {
  for (const place of places === undefined ? [] : [places].flat()) {
    const found =
      typeof place === 'string' ? inSources(data.sources, place) : labelled(data.text, place.label);
    if (found.length > 0) return found;
  }
  return [];
}

export function valueAt(data: AnswerData, places: Places | undefined): unknown {
  return valuesAt(data, places)[0];
}

/** Whether an answer has anything at a path, be it null. */
export function isThere({ sources }: AnswerData, places: Places | undefined): boolean {
  return [places ?? []]
    .flat()
    .some(
      place =>
        typeof place === 'string' && sources.some(source => valuesOn(source, place.split('.')).length > 0),
    );
}

function inSources(sources: readonly unknown[], path: string): readonly unknown[] {
  const keys = path.split('.');
  for (const source of sources) {
    const found = follow(source, keys);
    if (found.length > 0) return found;
  }
  return [];
}

/** What is at a path; `*` is each of a list. Nothing where the path ends early, or in null. */
export function follow(value: unknown, keys: readonly string[]): readonly unknown[] {
  return valuesOn(value, keys).filter(found => found !== null);
}

function valuesOn(value: unknown, [key, ...rest]: readonly string[]): readonly unknown[] {
  if (value === undefined) return [];
  if (key === undefined) return [value];
  if (key === '*') return Array.isArray(value) ? value.flatMap(item => valuesOn(item, rest)) : [];
  if (Array.isArray(value)) return /^\d+$/.test(key) ? valuesOn(value[Number(key)], rest) : [];
  return isRecord(value) && Object.hasOwn(value, key) ? valuesOn(value[key], rest) : [];
}

/** A text, and the JSON object or list that it is, or holds in a fence, or ends with. */
interface Parts {
  readonly json?: unknown;
  readonly prose: string;
}

function partsOf(text: string): Parts {
  if (text.length > MAX_JSON) return { prose: text };
  const whole = parsed(text);
  return whole === undefined
    ? (fenced(text) ?? embedded(text) ?? { prose: text })
    : { json: whole, prose: '' };
}

/** The first fence that holds JSON. */
function fenced(text: string): Parts | undefined {
  let from = text.indexOf(FENCE);
  for (let count = 0; from >= 0 && count < MAX_FENCES; count++) {
    const line = text.indexOf('\n', from);
    const to = line < 0 ? -1 : text.indexOf(FENCE, line);
    if (to < 0) return undefined;
    const json = parsed(text.slice(line, to));
    if (json !== undefined)
      return { json, prose: `${text.slice(0, from)}\n${text.slice(to + FENCE.length)}`.trim() };
    from = text.indexOf(FENCE, to + FENCE.length);
  }
  return undefined;
}

function embedded(text: string): Parts | undefined {
  const from = text.search(/[{[]/);
  if (from < 0) return undefined;
  const to = text.lastIndexOf(text[from] === '{' ? '}' : ']') + 1;
  const json = parsed(text.slice(from, to));
  return json === undefined ? undefined : { json, prose: `${text.slice(0, from)}\n${text.slice(to)}`.trim() };
}

function parsed(text: string): unknown {
  if (!/^\s{0,100}[{[]/.test(text) || isDeep(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether brackets are nested deeper than data are: nobody could walk through it. */
function isDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (isInString) {
      if (character === BACKSLASH) at++;
      else if (character === QUOTE) isInString = false;
    } else if (character === QUOTE) isInString = true;
    else if (character === OPEN_LIST || character === OPEN_OBJECT) depth++;
    else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
