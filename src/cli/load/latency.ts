import { createHash } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../time/duration.js';

/** How long the tasks of a load test take: each a time between these, in milliseconds. */
export interface LatencyRange {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** What the operation `sleep` takes. */
const MAX_MS = 3_600_000;

/** @throws InvalidArgumentError when it is neither a duration nor a range of two */
export function latencyRange(text: string): LatencyRange {
  const ends = text.split('-').map(parseDuration);
  const [leastMs, mostMs] = ends.length === 1 ? [ends[0], ends[0]] : ends;
  if (leastMs === undefined || mostMs === undefined || ends.length > 2 || leastMs > mostMs) {
    throw new InvalidArgumentError('Expected a duration such as 2s, or a range such as 10s-15s.');
  }
  if (mostMs > MAX_MS) throw new InvalidArgumentError('Expected 1h at most.');
  return { leastMs, mostMs };
}

/** The latency of one task, uniform in the range: the same for the same seed and index, on every machine. */
export function latencyOf({ leastMs, mostMs }: LatencyRange, seed: number, index: number): number {
  const digest = createHash('sha256').update(`${seed}:${index}`).digest();
  const share = digest.readUInt32BE(0) / 2 ** 32;
  return Math.round(leastMs + share * (mostMs - leastMs));
}
