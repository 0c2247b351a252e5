import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sourceFiles } from './architecture/source-files.js';

const page = readFileSync(new URL('../docs/troubleshooting.md', import.meta.url), 'utf8');

/** The first cells of all tables. */
const rows = page
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| what you see'))
  .map(line => line.slice(2).split(' | ')[0] ?? '');

/** These are told before there is a call, or are a caller's own mistake. */
const NOT_OF_WAITS = [
  'src/client/connect',
  'src/client/authorization/',
  'src/client/http/',
  'src/client/journal/options',
  'src/client/journal/journal-file',
];

/** Of those, what explains why there is no connection. */
const CONNECTING = /connect-failure\.ts/;

/** What makes the message of an error, as it stands in the code. */
const MAKER =
  /(?:new (?:AwaitTimeout|AwaitAborted|AwaitDetached|TaskNotFound|ServerUnavailable|OutcomeUnknown|ProtocolViolation|StatusCheck|CircuitOpen|InputRequired|NotSupported)Error|violation|unknownOutcome|return)\(?\s*(?=[`'])/g;

/** The literal that begins here, with `…` for what is put in, and without backticks. */
function skeleton(code: string, from: number): string {
  const quote = code[from];
  let text = '';
  for (let at = from + 1, depth = 0; at < code.length; at++) {
    const two = code.slice(at, at + 2);
    if (depth === 0 && code[at] === quote) break;
    if (two === '${') {
      if (depth === 0) text += '…';
      depth++;
      at++;
    } else if (depth > 0 && code[at] === '{') depth++;
    else if (depth > 0 && code[at] === '}') depth--;
    else if (depth === 0 && code[at] === '\\') at++;
    else if (depth === 0) text += code[at];
  }
  return text;
}

interface Message {
  readonly path: string;
  readonly text: string;
}

/** Every sentence that the code of waits makes an error of. */
const messages: readonly Message[] = sourceFiles()
  .filter(({ path }) => /^src\/(client|protocols)\//.test(path))
  .filter(({ path }) => CONNECTING.test(path) || !NOT_OF_WAITS.some(start => path.startsWith(start)))
  .flatMap(({ path, text }) =>
    [...text.matchAll(MAKER)]
      .filter(
        ([maker]) =>
          !maker.startsWith('return') ||
          /explain\.ts|profile-problem\.ts/.test(path) ||
          CONNECTING.test(path),
      )
      .map(({ 0: maker, index }) => ({ path, text: skeleton(text, index + maker.length) })),
  )
  // Clauses of other sentences.
  .filter(
    ({ text }) =>
      /[a-z]{3,} .*[a-z]{3,}/.test(text) &&
      !/^(…: …|It was not|Its start was|The call had|The server was asked|The task was last|\S+ \S+$)/.test(
        text,
      ),
  );

/** Whether a message may be one of those that a row stands for: what is fixed of either is in the other. */
function tells(row: string, { text }: Message): boolean {
  const [begin = ''] = partsOf(text);
  return isWithin(partsOf(row), text) || (begin.length > 9 && row.includes(begin));
}

function partsOf(text: string): readonly string[] {
  return text
    .split('…')
    .map(part => part.replace(/^[\s.:,()]+|[\s:,(]+$/g, ''))
    .filter(Boolean);
}

function isWithin(parts: readonly string[], text: string): boolean {
  let at = 0;
  return parts.every(part => {
    const found = text.indexOf(part, at);
    at = found + part.length;
    return found !== -1;
  });
}

describe('docs/troubleshooting.md', () => {
  test('reads the messages of the code', () => {
    expect(messages.length).toBeGreaterThan(35);
  });

  test.each(messages)('has a row for: $text', message => {
    expect(rows.filter(row => tells(row, message))).not.toEqual([]);
  });

  test('is linked from the README', () => {
    expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(
      '(docs/troubleshooting.md)',
    );
  });
});
