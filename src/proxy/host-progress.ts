import type { Progress } from '../types.js';

/** A sign of life moves the figures by so little that nobody sees it. */
const SIGN_OF_LIFE = 0.000_001;

/**
 * What a host is told next: the figures of the task where they have grown, else a sign of life, because a progress
 * notification must tell more than the one before (spec 2025-11-25, basic/utilities/progress).
 * @param last what it was told before
 */
export function nextProgress(last: number | undefined, told: Progress | undefined): Progress {
  if (told !== undefined && (last === undefined || told.progress > last)) return told;
  if (last === undefined) return { progress: 0, ...told };
  return { ...told, progress: last + SIGN_OF_LIFE * Math.max(1, Math.abs(last)) };
}
