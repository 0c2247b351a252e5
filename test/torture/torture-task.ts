import type { Random } from './random.js';

export type TortureOperation = 'once' | 'again';

/** A task of `test/fixtures/torture/recorded-operations.js`. */
export interface TortureTask {
  /** Its idempotency key, too. */
  readonly label: string;
  readonly operation: TortureOperation;
  readonly takesMs: number;
  readonly ending: 'small' | 'large' | 'failure';
  readonly reports: boolean;
}

/** Most runs of each operation. */
export const MOST_RUNS: Readonly<Record<TortureOperation, number>> = { once: 1, again: 4 };

const LARGE_CHARACTERS = 50_000;

export function randomTask(label: string, random: Random): TortureTask {
  return {
    label,
    operation: random.pick(['once', 'again']),
    takesMs: random.integer(0, 300),
    ending: random.pick(['small', 'small', 'small', 'small', 'large', 'failure']),
    reports: random.chance(0.3),
  };
}

export function isRightResult({ label, ending }: TortureTask, result: unknown): boolean {
  const filling = ending === 'large' ? label.repeat(LARGE_CHARACTERS / label.length) : '';
  return ending !== 'failure' && JSON.stringify(result) === JSON.stringify({ label, filling });
}
