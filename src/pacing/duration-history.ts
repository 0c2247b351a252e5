/**
 * When one task ended, in milliseconds after the server accepted it: after the last request that was answered
 * "running" was sent, and no later than the request that was answered "ended". `null` when nobody saw the end.
 */
export type ObservedEnd = readonly [afterMs: number, untilMs: number | null];

/** What is remembered of one tool of one server: plain JSON of at most some 3 kB. */
export interface DurationHistory {
  readonly version: 1;
  /** Oldest first. */
  readonly ends: readonly ObservedEnd[];
  /** How many ends were ever observed. */
  readonly count: number;
  /** The requests that backoff would have sent for these tasks, less those that were sent; bounded. */
  readonly saved: number;
}

export interface ObservedDuration {
  readonly end: ObservedEnd;
  /** The requests that backoff would have sent for this task, less those that were sent. */
  readonly saved: number;
}

/** Enough to know a tail of 1 %. */
export const REMEMBERED_ENDS = 128;
/** An end before the first request tells little: this share of the room is for the others, however old they are. */
const SHARE_OF_LOCATED = 0.25;
const MAX_SAVED = 16;

/** The history with one more end, without an old one where there is no room. An end that tells nothing is left out. */
export function observe(
  history: DurationHistory | undefined,
  observation: ObservedDuration,
): DurationHistory | undefined {
  const [afterMs, untilMs] = observation.end;
  const end = [Math.floor(afterMs), untilMs === null ? null : Math.ceil(untilMs)] as const;
  if (!isObservedEnd(end) || (end[0] === 0 && end[1] === null)) return history;
  const { ends, count, saved } = history ?? { ends: [], count: 0, saved: 0 };
  return {
    version: 1,
    ends: bounded([...ends, end]),
    count: count + 1,
    saved: Math.max(-MAX_SAVED, Math.min(saved + observation.saved, MAX_SAVED)),
  };
}

/** Reads a stored history; undefined when it is none of this version. */
export function parseDurationHistory(value: unknown): DurationHistory | undefined {
  const { version, ends, count, saved } = (value ?? {}) as {
    readonly [Name in keyof DurationHistory]?: unknown;
  };
  if (version !== 1 || !Array.isArray(ends) || ends.length > REMEMBERED_ENDS) return undefined;
  if (!ends.every(isObservedEnd) || !isCount(count)) return undefined;
  if (typeof saved !== 'number' || !(Math.abs(saved) <= MAX_SAVED)) return undefined;
  return { version, ends, count, saved };
}

function bounded(ends: readonly ObservedEnd[]): readonly ObservedEnd[] {
  if (ends.length <= REMEMBERED_ENDS) return ends;
  const early = ends.filter(([afterMs]) => afterMs === 0).length;
  const crowded = early > REMEMBERED_ENDS * (1 - SHARE_OF_LOCATED);
  return ends.toSpliced(crowded ? ends.findIndex(([afterMs]) => afterMs === 0) : 0, 1);
}

function isObservedEnd(value: unknown): value is ObservedEnd {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [afterMs, untilMs] = value;
  return isCount(afterMs) && (untilMs === null || (isCount(untilMs) && untilMs > 0 && untilMs >= afterMs));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
