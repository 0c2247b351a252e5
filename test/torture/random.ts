/** Random choices that a seed repeats. */
export interface Random {
  /** From 0 up to, and without, 1. */
  next(): number;
  /** An integer from `least` to `most`. */
  integer(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<Value>(values: readonly [Value, ...Value[]]): Value;
  /** Another generator, whose choices do not depend on how many this one has made since. */
  fork(): Random;
}

/** Mulberry32: 32 bits of state are plenty for choices that shall only be varied and repeatable. */
export function newRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    integer,
    chance: probability => next() < probability,
    pick: values => values[integer(0, values.length - 1)] ?? values[0],
    fork: () => newRandom(integer(0, 2 ** 32 - 1)),
  };
}
