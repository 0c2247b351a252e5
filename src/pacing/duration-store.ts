import { BoundedMap } from './bounded-map.js';
import type { DurationHistory } from './duration-history.js';

/** Keys that a store in memory remembers: some 3 kB each at the most. */
const REMEMBERED_KEYS = 1000;

/**
 * Where durations are remembered, by a key that names a server and a tool.
 *
 * Obligations: bounded; what is read is what was written, or undefined (see `parseDurationHistory`); neither throws,
 * since a wait must not fail for what it cannot remember. A write that loses a race may be lost.
 */
export interface DurationStore {
  read(key: string): DurationHistory | undefined;
  write(key: string, history: DurationHistory): void;
}

/** Remembers for as long as the process lives. */
export function memoryDurationStore(limit = REMEMBERED_KEYS): DurationStore {
  const histories = new BoundedMap<DurationHistory>(limit);
  return { read: key => histories.get(key), write: (key, history) => histories.set(key, history) };
}
