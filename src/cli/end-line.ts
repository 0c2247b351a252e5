import type { TaskHandle } from '../client/task-handle.js';
import { formatDuration } from '../time/duration.js';
import type { TaskStatus } from '../types.js';
import type { CommandIo } from './io.js';
import { canDraw, inColor, inSigns } from './terminal.js';
import { plainText } from './terminal-text.js';

/** How a task ended, for a person. */
export interface ReportedEnd {
  readonly tool: string;
  readonly status: TaskStatus;
  readonly elapsedMs: number;
  /** Why it did not complete; of several lines perhaps. */
  readonly reason?: string;
}

/** `✔ render · 8 s` or `✖ render · 8 s · the disk is full`; a reason of several lines follows the line. */
export function endLine({ tool, status, elapsedMs, reason = '' }: ReportedEnd): string {
  const isShort = !reason.trim().includes('\n');
  const word = status === 'completed' || (status === 'failed' && isShort) ? '' : status;
  const seconds = elapsedMs < 1000 ? elapsedMs : Math.floor(elapsedMs / 1000) * 1000;
  const parts = [plainText(tool), word, formatDuration(seconds), isShort ? plainText(reason) : ''];
  const line = `${status === 'completed' ? DONE : FAILED} ${parts.filter(Boolean).join(' · ')}`;
  return isShort ? line : `${line}\n${reason}`;
}

const [DONE, FAILED] = ['✔', '✖'];

/** Tells of an end in a line that stays on a terminal; elsewhere only its reason, because its state is a line already. */
export function printEnd(end: ReportedEnd, io: CommandIo, quiet: boolean): void {
  const { reason } = end;
  if (canDraw(io) && !quiet) writeSigned(endLine(end), io);
  else if (reason !== undefined) io.stderr.write(`${reason}\n`);
}

/** Tells on standard error what went wrong, with a sign on a terminal. */
export function printFailure(message: string, io: CommandIo): void {
  if (canDraw(io)) writeSigned(`${FAILED} ${message}`, io);
  else io.stderr.write(`${message}\n`);
}

/** The sign at the beginning gets its color. */
function writeSigned(text: string, io: CommandIo): void {
  const [sign = '', ...rest] = text;
  const [line = '', ...others] = rest.join('').split('\n');
  const shown = inColor(sign === DONE ? 'green' : 'red', inSigns(sign, io.env), io);
  // Standard error as commands see it takes colors away.
  (io.terminal ?? io.stderr).write(shown);
  io.stderr.write(`${[inSigns(line, io.env), ...others].join('\n')}\n`);
}

/** How long a task has run: from its start where that is known, else from when this process began to wait. */
export function ageOf({ reference, snapshot }: Pick<TaskHandle, 'reference' | 'snapshot'>): number {
  return ageSince(reference?.startedAt) ?? snapshot.elapsedMs;
}

/** Milliseconds since a time (ISO 8601); undefined where it is none, or yet to come by this machine's clock. */
export function ageSince(startedAt: string | undefined): number | undefined {
  const ageMs = Date.now() - Date.parse(startedAt ?? '');
  return ageMs >= 0 ? ageMs : undefined;
}
