import type { TortureTask } from './torture-task.js';

/** Times are milliseconds since the epoch. */
export interface Acknowledgement {
  readonly taskRef: string;
  readonly front: string;
  readonly at: number;
}

/** What a front said of a task. */
export interface Observation {
  readonly taskRef: string;
  readonly front: string;
  readonly tool: 'resolve' | 'cancel';
  /** When the request was sent, and when its answer came. */
  readonly askedAt: number;
  readonly at: number;
  readonly status: 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'refused';
  /** Of a failed, cancelled or refused one. */
  readonly errorCode: string | undefined;
  /** Status, result, error and time of the end; a long result by its digest. Undefined before the end. */
  readonly end: string | undefined;
  /** Whether a result is the one that the task was to give; true where there is none. */
  readonly isRight: boolean;
  /** Milliseconds from the task's creation to its last change, as its record says. */
  readonly ageMs: number;
}

export interface RunLine {
  readonly taskRef: string;
  readonly runId: string;
  readonly pid: number;
  readonly event: 'started' | 'ended';
  readonly at: number;
}

export type VictimKind = 'front' | 'worker' | 'store';

/** A process that came to its end: killed by the test, or by itself. */
export interface ProcessEnd {
  readonly kind: VictimKind;
  readonly name: string;
  readonly pid: number | undefined;
  readonly at: number;
  readonly isKilled: boolean;
  /** What it wrote last. */
  readonly words: string;
}

/** One idempotency key and all that was said about it. */
export interface KeyHistory {
  readonly task: TortureTask;
  /** Calls that were sent, the same call again included. */
  calls: number;
  readonly acknowledgements: Acknowledgement[];
  readonly refusals: string[];
}

/** All that happened, for the verdict. */
export interface History {
  readonly fronts: readonly string[];
  readonly keys: ReadonlyMap<string, KeyHistory>;
  readonly observations: readonly Observation[];
  /** Those made after everything had settled. */
  readonly finalObservations: readonly Observation[];
  readonly runs: readonly RunLine[];
  readonly processEnds: readonly ProcessEnd[];
}

export function isTerminal({ status }: Pick<Observation, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

export function groupBy<Value>(
  values: readonly Value[],
  keyOf: (value: Value) => string,
): ReadonlyMap<string, readonly Value[]> {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value)) ?? [];
    groups.set(keyOf(value), group);
    group.push(value);
  }
  return groups;
}
