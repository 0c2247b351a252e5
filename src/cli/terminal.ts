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
