/** Begin what moves a cursor or colours a text: ESC, and CSI as one character. */
const BEGINNINGS = ['\u001b', '\u009b'];

/** Most texts have no such sequence, and `node:util` takes a while to load. */
function withoutSequences(text: string): string {
  return BEGINNINGS.some(sign => text.includes(sign))
    ? process.getBuiltinModule('node:util').stripVTControlCharacters(text)
    : text;
}

/** A server's text without what could move a terminal's cursor, colour it or end the line. */
export function plainText(text: string): string {
  return withoutSequences(text)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
}

const SHOWN_CHARACTERS = 60;

/** A stranger's text for a cell of a table, which it must not break. */
export function oneLine(text: string): string {
  const line = plainText(text);
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS - 1)}…` : line;
}

/** Characters that move the cursor, colour, ring, or turn the direction of writing: all but tab and line break. */
const COMMANDS = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** A text of several lines without what could command a terminal. */
export function terminalText(text: string): string {
  return withoutSequences(text).replace(COMMANDS, character =>
    character === '\n' || character === '\t' ? character : '',
  );
}

/** A value as JSON in one line, in which such characters are written as escapes. */
export function jsonText(value: unknown): string {
  return escaped(JSON.stringify(value) ?? 'null');
}

/** JSON without such characters, which stand in its texts only. */
export function escaped(json: string): string {
  return json.replace(COMMANDS, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
