import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isRecord, parseJson } from '../../protocols/tool-result.js';
import { safeMessage } from '../connection/message-kind.js';
import { UnreadableAnswerError } from '../connection/unreadable-answer.js';

/** What stands in one line of a server's standard output. */
export interface LineContent {
  readonly messages: readonly JSONRPCMessage[];
  /** Messages with the id of an answer that are no valid answer. */
  readonly unreadable: readonly { readonly id: RequestId; readonly error: UnreadableAnswerError }[];
  /** Whether the line has anything besides messages, or no message at all. */
  readonly hasNoise: boolean;
}

/** Where a message may begin. */
const BEGINNING = /\{\s*"(?:jsonrpc|id|method|result|error|params)"/g;
/** Limits the scan of one line to this many times its length. */
const MAX_PASSES = 8;

/**
 * The messages in a line. Usually the line is one; it may also have a mark of its encoding, NUL bytes, words of a log before
 * or after, or several messages without a line break between them.
 */
export function messagesIn(line: string): LineContent {
  const text = line.trim();
  if (text === '') return { messages: [], unreadable: [], hasNoise: false };
  const whole = parseJson(text);
  if (whole !== undefined) return contentOf([whole], false);
  const cleaned = text.includes('\0') ? text.replaceAll('\0', '') : text;
  const found = objectsIn(cleaned);
  return contentOf(found.values, found.hasNoise);
}

/**
 * A reader of lines that joins those of indented JSON: some servers write a message over many lines, from `{` alone to `}`
 * alone.
 */
export function joinIndented(maxCharacters: number, read: (text: string) => void): (line: string) => void {
  let begun = '';
  return line => {
    const end = line.trimEnd();
    if (begun === '' && end !== '{') return read(line);
    // A message on one line shows that the lines before it were none.
    const isOther = messagesIn(line).messages.length > 0;
    const text = isOther ? line : `${begun}\n${line}`;
    const isWhole = isOther || end === '}' || text.length > maxCharacters;
    begun = isWhole ? '' : text;
    if (isWhole) read(text);
  };
}

function contentOf(values: readonly unknown[], hasNoise: boolean): LineContent {
  const messages: JSONRPCMessage[] = [];
  const unreadable: { id: RequestId; error: UnreadableAnswerError }[] = [];
  let isForeign = hasNoise;
  // A batch (spec 2025-03-26) is its messages.
  for (const value of values.flatMap(each => (Array.isArray(each) ? each : [each]))) {
    const message = safeMessage(value).data;
    if (message !== undefined) messages.push(message);
    else if (isAnswer(value)) unreadable.push({ id: value.id, error: malformed(value) });
    else isForeign = true;
  }
  return { messages, unreadable, hasNoise: isForeign || (messages.length === 0 && unreadable.length === 0) };
}

function isAnswer(value: unknown): value is { readonly id: RequestId } {
  return (
    isRecord(value) &&
    value.jsonrpc === '2.0' &&
    !('method' in value) &&
    (typeof value.id === 'number' || typeof value.id === 'string')
  );
}

function malformed(value: object): UnreadableAnswerError {
  const what = 'result' in value ? 'its `result` is no object' : 'it has neither a `result` nor an `error`';
  return new UnreadableAnswerError(what);
}

/** The JSON objects in a text that may be messages, and whether there is anything else in it. */
function objectsIn(text: string): { readonly values: readonly unknown[]; readonly hasNoise: boolean } {
  const values: unknown[] = [];
  let hasNoise = false;
  let end = 0;
  let budget = text.length * MAX_PASSES;
  BEGINNING.lastIndex = 0;
  for (let match = BEGINNING.exec(text); match !== null && budget > 0; match = BEGINNING.exec(text)) {
    const close = endOfObject(text, match.index);
    budget -= (close ?? text.length) - match.index;
    const parsed = close === undefined ? undefined : parseJson(text.slice(match.index, close));
    if (parsed === undefined || close === undefined) {
      BEGINNING.lastIndex = match.index + 1;
      continue;
    }
    hasNoise ||= text.slice(end, match.index).trim() !== '';
    values.push(parsed);
    end = close;
    BEGINNING.lastIndex = close;
  }
  return { values, hasNoise: hasNoise || text.slice(end).trim() !== '' };
}

/** Where the object ends that begins at `start`; undefined where it does not. */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  let isText = false;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (isText) {
      if (character === '\\') index++;
      else if (character === '"') isText = false;
    } else if (character === '"') isText = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return index + 1;
  }
  return undefined;
}
