import type { WorkerOptions } from './engine.js';

/**
 * The owners that get no further place now. An owner that runs nothing may take the last one; any other leaves some
 * free, and fewer the more others run: the thresholds that switches use for shared buffers (Choudhury and Hahne, 1998).
 */
export function fullOwners(
  running: Iterable<{ readonly owner: string }>,
  { concurrency, shareOf }: Pick<WorkerOptions, 'concurrency' | 'shareOf'>,
): readonly string[] {
  if (shareOf === undefined) return [];
  const counts = new Map<string, number>();
  let free = concurrency;
  for (const { owner } of running) {
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
    free -= 1;
  }
  return [...counts]
    .filter(([owner, count]) => {
      const share = shareOf(owner);
      return share < 1 && count + 1 > (share / (1 - share)) * (free - 1);
    })
    .map(([owner]) => owner);
}
