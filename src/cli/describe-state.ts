import type { Progress, Snapshot } from '../types.js';
import { plainText } from './terminal-text.js';

/** `tool: working, 42 % (3 of 7), message`. */
export function describeState(tool: string, { status, message, progress }: Snapshot): string {
  const parts = [status, describeProgress(progress), plainText(message ?? '')];
  return `${tool}: ${parts.filter(Boolean).join(', ')}`;
}

/** `42 % (3 of 7)`, or `3 done` where nobody knows of how many. */
export function describeProgress(progress: Progress | undefined): string | undefined {
  if (progress === undefined) return undefined;
  const { progress: done, total } = progress;
  if (total === undefined || total <= 0) return `${done} done`;
  const percent = `${Math.floor((100 * done) / total)} %`;
  return total === 1 ? percent : `${percent} (${done} of ${total})`;
}

/** A line for each thing that is odd about a wait. */
export function describeNotices(tool: string, { notices = [] }: Snapshot): readonly string[] {
  return notices.map(notice => `${tool}: ${plainText(notice)}`);
}
