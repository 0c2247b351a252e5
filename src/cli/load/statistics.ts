/** What a row of the table tells of many numbers. */
export interface Summary {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Undefined when there are no numbers. */
export function summaryOf(numbers: readonly number[]): Summary | undefined {
  const sorted = numbers.toSorted((one, other) => one - other);
  const max = sorted.at(-1);
  if (max === undefined) return undefined;
  return { p50: percentile(sorted, 0.5) ?? max, p99: percentile(sorted, 0.99) ?? max, max };
}

/** The smallest of the numbers that is not exceeded by `share` of them (nearest rank). */
function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** How often each word occurs, the most frequent first. */
export function tally(words: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort((one, other) => other[1] - one[1]));
}
