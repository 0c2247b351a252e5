import type { Writable } from 'node:stream';
import type { CommandIo } from './io.js';

/** Whether a line on standard error can be drawn again and again. */
export function canDraw({ stderr, env }: CommandIo): boolean {
  return stderr.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined;
}

/** Whether a terminal shows signs beyond ASCII: one whose locale says another encoding, and the Linux console, do not. */
export function showsUnicode({ LC_ALL, LC_CTYPE, LANG, TERM }: CommandIo['env']): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG || '';
  return TERM !== 'linux' && (locale === '' || /utf-?8/i.test(locale));
}

const IN_ASCII: Readonly<Record<string, string>> = {
  '·': '-',
  '…': '~',
  '█': '#',
  '░': '.',
  '✔': '+',
  '✖': 'x',
};

/** A line in signs that the terminal shows, each as wide as before or narrower. */
export function inSigns(line: string, env: CommandIo['env']): string {
  return showsUnicode(env) ? line : line.replace(/[^ -~]/gu, sign => IN_ASCII[sign] ?? '?');
}

const RESET = '\u001b[39m';
const COLORS = { green: '\u001b[32m', red: '\u001b[31m' };

/** The text in a color, unless the terminal has none or NO_COLOR is set. */
export function inColor(color: keyof typeof COLORS, text: string, { stderr, env }: CommandIo): string {
  const isColored = stderr.hasColors?.(16, { ...env }) === true;
  return isColored ? `${COLORS[color]}${text}${RESET}` : text;
}

/** Verbs that first find a server, of which a person sees nothing while their code is loaded. */
const VERBS = ['run', 'wait', 'status', 'tools', 'pairs'];
const ERASE_LINE = '\r\u001b[K';

/**
 * Says on a terminal that a command has begun, until something else is written there. The cursor stays to be seen: what ends
 * the process meanwhile need not bring it back.
 * @returns what takes the line away where nothing has been written
 */
export function showStart(words: readonly string[], io: CommandIo): () => void {
  if (!VERBS.includes(words[0] ?? '') || words.includes('--quiet') || !canDraw(io)) return () => {};
  const { stdout, terminal = io.stderr } = io;
  terminal.write(inSigns('starting…', io.env));
  const streams: readonly Writable[] = stdout.isTTY === true ? [terminal, stdout] : [terminal];
  const writes = streams.map(stream => stream.write);
  let isShown = true;
  const erase = () => {
    if (!isShown) return;
    isShown = false;
    for (const [index, stream] of streams.entries()) stream.write = writes[index] as Writable['write'];
    terminal.write(ERASE_LINE);
  };
  for (const stream of streams)
    stream.write = (...chunk: unknown[]) => {
      erase();
      return Reflect.apply(stream.write, stream, chunk);
    };
  return erase;
}
