import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { isRecord } from '../tool-result.js';
import { labelled } from './labels.js';
import type { ArgumentSources, Places } from './profile.js';

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
  const sources: unknown[] = isRecord(answer.structuredContent) ? [answer.structuredContent] : [];
  const texts: string[] = [];
  const proses: string[] = [];
  for (const block of answer.content ?? []) {
    if (block.type !== 'text') continue;
    const given = parsed(block.text);
    const whole = (isRecord(given) && Array.isArray(given.content) && unwrapped(given.content)) || given;
    const { json, prose } = whole === undefined ? partsOf(block.text) : { json: whole, prose: '' };
    if (json !== undefined) sources.push(json);
    if (prose !== '') proses.push(prose);
    texts.push(block.text);
  }
  const { content: _content, structuredContent: _structured, isError: _isError, _meta, ...extras } = answer;
  if (Object.keys(extras).length > 0) sources.push(extras);
  return { sources, text: texts.join('\n'), prose: proses.join('\n') };
}

/** An answer that a server has put into its answer as a text: `{"content": [{"text": "{…}"}], "isError": false}`. */
function unwrapped([only, second]: readonly unknown[]): unknown {
  return second === undefined && isRecord(only) && typeof only.text === 'string'
    ? parsed(only.text)
    : undefined;
}

/** The values at the first place that has any; of a label, the texts behind it. */
export function valuesAt({ sources, text }: AnswerData, places: Places | undefined): readonly unknown[] {
  if (places === undefined) return [];
  for (const place of Array.isArray(places) ? places : [places]) {
    if (typeof place === 'string') {
      const keys = place.split('.');
      for (const source of sources) {
        const found = follow(source, keys);
        if (found.length > 0) return found;
      }
    } else {
      const found = labelled(text, place.label);
      if (found.length > 0) return found;
    }
  }
  return [];
}

export function valueAt(data: AnswerData, places: Places | undefined): unknown {
  return valuesAt(data, places)[0];
}

/** Whether an answer has anything at a path, be it null. */
export function isThere({ sources }: AnswerData, places: Places | undefined): boolean {
  const paths = [places ?? []].flat().filter(place => typeof place === 'string');
  return paths.some(path => sources.some(source => follow(source, path.split('.'), true).length > 0));
}

/** What is at a path; `*` is each of a list. Nothing where the path ends early, or in null unless that is a value. */
export function follow(value: unknown, keys: readonly string[], isNullValue = false): readonly unknown[] {
  let inner = value;
  let at = 0;
  for (const key of keys) {
    at++;
    if (key === '*') {
      const rest = keys.slice(at);
      return Array.isArray(inner) ? inner.flatMap(item => follow(item, rest, isNullValue)) : [];
    }
    if (Array.isArray(inner)) inner = /^\d+$/.test(key) ? inner[Number(key)] : undefined;
    else inner = isRecord(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined;
  }
  return inner === undefined || (inner === null && !isNullValue) ? [] : [inner];
}

/** A text, and the JSON object or list that it holds in a fence, or ends with. */
interface Parts {
  readonly json?: unknown;
  readonly prose: string;
}

function partsOf(text: string): Parts {
  return (text.length > MAX_JSON ? undefined : (fenced(text) ?? embedded(text))) ?? { prose: text };
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
  if (text.length > MAX_JSON || !/^\s{0,100}[{[]/.test(text) || isDeep(text)) return undefined;
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

export type Arguments = Readonly<Record<string, unknown>>;

interface ArgumentGivers {
  /** Of the start call. */
  readonly call?: Arguments | undefined;
  readonly answer?: AnswerData | undefined;
}

/** The values of arguments, by their paths; one that has none is left out. Undefined where that is all of them. */
export function collectArguments(sources: ArgumentSources, givers: ArgumentGivers): Arguments | undefined {
  const entries = Object.entries(sources).map(([path, source]) => {
    if ('value' in source) return [path, source.value] as const;
    if ('call' in source) return [path, follow(givers.call, source.call.split('.'))[0]] as const;
    return [path, givers.answer && valueAt(givers.answer, source.answer)] as const;
  });
  const known = entries.filter(([, value]) => value !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

/** Values by their paths, as the arguments of a call: `params.jobId` is within `params`. The first that says a value counts. */
export function argumentsOf(...layers: readonly (Arguments | false | undefined)[]): Record<string, unknown> {
  const built: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [path, value] of Object.entries(layer || {})) put(built, path.split('.'), value);
  }
  return built;
}

function put(into: Record<string, unknown>, [key, ...rest]: readonly string[], value: unknown): void {
  if (key === undefined) return;
  if (rest.length === 0) {
    if (!Object.hasOwn(into, key)) into[key] = value;
    return;
  }
  const inner = Object.hasOwn(into, key) ? into[key] : {};
  if (!isRecord(inner)) return;
  // Never into an object of the caller's.
  const copy = { ...inner };
  into[key] = copy;
  put(copy, rest, value);
}
