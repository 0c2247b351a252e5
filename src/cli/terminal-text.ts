import { stripVTControlCharacters } from 'node:util';
import truncatedWidth from 'fast-string-truncated-width';

/** A server's text without what could move a terminal's cursor, colour it or end the line. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
}

/** Characters that move the cursor, colour, ring, or turn the direction of writing: all but tab and line break. */
const COMMANDS = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** A text of several lines without what could command a terminal. */
export function terminalText(text: string): string {
  return stripVTControlCharacters(text).replace(COMMANDS, character =>
    character === '\n' || character === '\t' ? character : '',
  );
}

/** A value as JSON in one line, in which such characters are written as escapes. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(
    COMMANDS,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  return truncatedWidth(text).width;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The text in at most that many columns, cut with an ellipsis. */
export function cutTo(columns: number, text: string): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return '';
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (widthOf(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
