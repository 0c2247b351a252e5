/** One thing that speaks for a pair, or with negative points against it. */
export interface Evidence<Facts> {
  /** Names it in `mcp-await tools --why` and in the tables of tests. */
  readonly name: string;
  readonly points: number | ((facts: Facts) => number);
  readonly holds: (facts: Facts) => boolean;
  /** One clause for a person. */
  readonly says: (facts: Facts) => string;
}

/** One thing that rules a pair out, whatever speaks for it. */
export type Veto<Facts> = Omit<Evidence<Facts>, 'points'>;

/** Evidence that holds. */
export interface Held {
  readonly name: string;
  /** Undefined of a veto. */
  readonly points?: number;
  readonly says: string;
}

export interface Weight {
  readonly score: number;
  readonly held: readonly Held[];
}

/** The evidence that holds, and the sum of its points. Pure. */
export function weigh<Facts>(table: readonly Evidence<Facts>[], facts: Facts): Weight {
  const held = table
    .filter(({ holds }) => holds(facts))
    .map(({ name, points, says }) => ({
      name,
      points: typeof points === 'number' ? points : points(facts),
      says: says(facts),
    }));
  return { score: held.reduce((sum, { points }) => sum + points, 0), held };
}

/** The vetoes that hold. Pure. */
export function vetoesIn<Facts>(table: readonly Veto<Facts>[], facts: Facts): readonly Held[] {
  return table.filter(({ holds }) => holds(facts)).map(({ name, says }) => ({ name, says: says(facts) }));
}

/** For a person: `but` goes before a veto. */
export function reasonsOf(held: readonly Held[]): readonly string[] {
  return held.map(({ points, says }) => (points === undefined ? `but ${says}` : says));
}
