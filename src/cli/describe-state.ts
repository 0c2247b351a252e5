import type { Progress, Snapshot } from '../types.js';
import { plainText } from './terminal-text.js';

/** `tool: working, 42 % (3 of 7), message`. */
export function describeState(tool: string, { status, message, progress }: Snapshot): string {
  const { share, count } = progressFigures(progress);
  const parts = [status, [share, count].filter(Boolean).join(' '), plainText(message ?? '')];
  return `${tool}: ${parts.filter(Boolean).join(', ')}`;
}

/** `42 %` and `(3 of 7)`, or `3 done` where nobody knows of how many. */
export function progressFigures(progress: Progress | undefined): {
  readonly share?: string;
  readonly count?: string;
} {
  if (progress === undefined) return {};
  const { progress: done, total } = progress;
  if (total === undefined || total <= 0) return { share: `${done} done` };
  const share = `${Math.floor((100 * done) / total)} %`;
  // A percentage says no more than the share.
  return total === 1 || total === 100 ? { share } : { share, count: `(${done} of ${total})` };
}

/** A line for each thing that is odd about a wait. */
export function describeNotices(tool: string, { notices = [] }: Snapshot): readonly string[] {
  return notices.map(notice => `${tool}: ${plainText(notice)}`);
}
