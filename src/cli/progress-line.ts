import { formatDuration } from '../time/duration.js';
import type { Progress, Snapshot } from '../types.js';
import { describeProgress } from './describe-state.js';
import { plainText } from './terminal-text.js';
import { cutTo, widthOf } from './terminal-width.js';

/** What comes next: a status request, or the answer to one. */
export type Next =
  | { readonly kind: 'request'; readonly inMs: number }
  /** The server holds its answer back until the task ends. */
  | { readonly kind: 'held' }
  /** The server cannot be reached, or does not answer as it should. */
  | { readonly kind: 'contact'; readonly why: string };

export interface ProgressLine {
  readonly tool: string;
  readonly snapshot: Pick<Snapshot, 'status' | 'message' | 'progress'>;
  readonly elapsedMs: number;
  readonly next: Next | undefined;
}

const SEPARATOR = ' · ';
const BAR_CELLS = 20;
/** A message that is cut shorter says nothing. */
const MIN_MESSAGE = 10;
/** Columns that a name keeps in any case where there are as many. */
const SHORT_NAME = 12;
/** A name that is cut shorter says nothing. */
const MIN_NAME = 4;
/** Columns. */
const MAX_WHY = 50;
/** Characters; more fit on no terminal, and the line is drawn often. */
const MAX_MESSAGE = 1000;

/** `render: working · 12 s · [######..............] 30 % · frame 3 · next poll in 2 s`, as much of it as fits in one line. */
export function progressLine({ tool, snapshot, elapsedMs, next }: ProgressLine, columns: number): string {
  const { status, progress } = snapshot;
  const figures = describeProgress(progress);
  const facts = [status, formatDuration(Math.floor(elapsedMs / 1000) * 1000)].join(SEPARATOR);
  const widthWith = (...parts: (string | undefined)[]) =>
    widthOf([facts, ...parts].filter(Boolean).join(SEPARATOR));
  // Who called the tool knows its name: its end makes room for what comes next.
  const roomBesideNext = columns - widthWith(figures, describeNext(withoutWhy(next))) - 2;
  const roomAlone = Math.min(SHORT_NAME, columns - widthWith(figures) - 2);
  const name = cutTo(Math.max(roomBesideNext, roomAlone), plainText(tool));
  const head = name.length < MIN_NAME ? facts : `${name}: ${facts}`;
  let left = columns - widthOf([head, figures].filter(Boolean).join(SEPARATOR));
  /** The part, if there is room for it. */
  const place = (part: string | undefined, separator: string) => {
    const width = part === undefined ? 0 : widthOf(part) + separator.length;
    if (width === 0 || width > left) return undefined;
    left -= width;
    return part;
  };
  const nextPart = place(describeNext(next), SEPARATOR) ?? place(describeNext(withoutWhy(next)), SEPARATOR);
  const bar = place(barOf(progress), ' ');
  const message = plainText((snapshot.message ?? '').slice(0, MAX_MESSAGE));
  const room = left - SEPARATOR.length;
  const messagePart = room >= Math.min(MIN_MESSAGE, widthOf(message)) ? cutTo(room, message) : '';
  const parts = [head, [bar, figures].filter(Boolean).join(' '), messagePart, nextPart];
  return cutTo(columns, parts.filter(Boolean).join(SEPARATOR));
}

function barOf(progress: Progress | undefined): string | undefined {
  const { progress: done = 0, total = 0 } = progress ?? {};
  if (total <= 0) return undefined;
  const full = Math.min(Math.max(Math.floor((BAR_CELLS * done) / total), 0), BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`;
}

function withoutWhy(next: Next | undefined): Next | undefined {
  return next?.kind === 'contact' ? { ...next, why: '' } : next;
}

function describeNext(next: Next | undefined): string | undefined {
  switch (next?.kind) {
    case 'request':
      return `next poll in ${formatDuration(Math.ceil(Math.max(next.inMs, 0) / 1000) * 1000)}`;
    case 'held':
      return 'held by the server';
    case 'contact':
      return `waiting for contact${next.why === '' ? '' : ` (${cutTo(MAX_WHY, plainText(next.why))})`}`;
    default:
      return undefined;
  }
}
