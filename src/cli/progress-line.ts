import { formatDuration } from '../time/duration.js';
import type { Progress, Snapshot } from '../types.js';
import { progressFigures } from './describe-state.js';
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
  /** Time to the end as the progress so far tells it. */
  readonly leftMs?: number | undefined;
  readonly next: Next | undefined;
}

const SEPARATOR = ' · ';
/** Cells of a bar; a shorter one says nothing. */
const [MIN_BAR, MAX_BAR] = [8, 20];
/** A message that is cut shorter says nothing. */
const MIN_MESSAGE = 10;
/** Columns that a name keeps where there are as many; one that is cut shorter than `MIN_NAME` says nothing. */
const [MIN_NAME, SHORT_NAME] = [4, 12];
/** Columns. */
const MAX_WHY = 50;
/** Characters; more fit on no terminal, and the line is drawn often. */
const MAX_MESSAGE = 1000;

/**
 * `render · ██████░░░░░░░░░░░░░░ 30 % (3 of 10) · 12 s · ~28 s left · frame 3 · next check in 3 s`, as much of it as
 * fits in one line. Its parts are given room in the order in which they matter.
 */
export function progressLine(
  { tool, snapshot, elapsedMs, leftMs, next }: ProgressLine,
  columns: number,
): string {
  const { status, progress } = snapshot;
  const { share, count } = progressFigures(progress);
  const state = status === 'working' && share !== undefined ? undefined : status;
  const elapsed = inSeconds(elapsedMs, Math.floor);
  let room = columns - widthOf([state, share, elapsed].filter(Boolean).join(SEPARATOR));
  /** The part, if there is room for it. */
  const place = (part: string | undefined, separator = SEPARATOR) => {
    const width = part === undefined ? 0 : widthOf(part) + separator.length;
    if (width === 0 || width > room) return undefined;
    room -= width;
    return part;
  };
  const fullName = plainText(tool);
  const shortName = cutTo(Math.min(SHORT_NAME, room - SEPARATOR.length), fullName);
  const name = widthOf(shortName) < Math.min(MIN_NAME, widthOf(fullName)) ? undefined : place(shortName);
  const shortBar = place(barOf(progress, MIN_BAR), ' ');
  const left = place(leftMs === undefined ? undefined : `~${inSeconds(leftMs, Math.ceil)} left`);
  const soon = place(describeNext(next));
  // What is left makes the parts longer.
  const longName = name && cutTo(widthOf(name) + room, fullName);
  room -= longName === undefined ? 0 : widthOf(longName) - widthOf(name ?? '');
  const counted = place(count, ' ');
  const why = next?.kind === 'contact' ? place(`(${cutTo(MAX_WHY, plainText(next.why))})`, ' ') : undefined;
  const message = plainText((snapshot.message ?? '').slice(0, MAX_MESSAGE));
  const messageRoom = room - SEPARATOR.length;
  const said = place(
    messageRoom >= Math.min(MIN_MESSAGE, widthOf(message))
      ? cutTo(messageRoom, message) || undefined
      : undefined,
  );
  const bar = shortBar && barOf(progress, Math.min(MIN_BAR + room, MAX_BAR));
  const figures = [bar, share, counted].filter(Boolean).join(' ');
  const parts = [longName, state, figures, elapsed, left, said, [soon, why].filter(Boolean).join(' ')];
  return cutTo(columns, parts.filter(Boolean).join(SEPARATOR));
}

/** `starting npx tsx server.ts · 2 s`: what is done before there is a task. The first second goes without saying. */
export function stepLine(step: string, elapsedMs: number, columns: number): string {
  const said = plainText(step);
  const elapsed = elapsedMs < 1000 ? '' : `${SEPARATOR}${inSeconds(elapsedMs, Math.floor)}`;
  const room = columns - widthOf(elapsed);
  return room < MIN_MESSAGE ? cutTo(columns, said) : `${cutTo(room, said)}${elapsed}`;
}

function inSeconds(durationMs: number, rounded: (seconds: number) => number): string {
  const seconds = rounded(durationMs / 1000);
  return seconds === 0 ? '0 s' : formatDuration(seconds * 1000);
}

function barOf(progress: Progress | undefined, cells: number): string | undefined {
  const { progress: done = 0, total = 0 } = progress ?? {};
  if (total <= 0) return undefined;
  const full = Math.min(Math.max(Math.floor((cells * done) / total), 0), cells);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
}

function describeNext(next: Next | undefined): string | undefined {
  switch (next?.kind) {
    case 'request':
      return next.inMs < 500 ? 'checking' : `next check in ${inSeconds(next.inMs, Math.ceil)}`;
    case 'held':
      return 'server tells when done';
    case 'contact':
      return 'waiting for contact';
    default:
      return undefined;
  }
}
