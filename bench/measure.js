/** The value below which `share` of the numbers lie. */
export function percentile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function median(numbers) {
  return percentile(numbers, 0.5);
}

/** Milliseconds that `work` takes, and what it returns. */
export async function timed(work) {
  const begunAt = performance.now();
  const value = await work();
  return { elapsedMs: performance.now() - begunAt, value };
}

/** Latencies of `count` calls that `callers` make, each one after the other. */
export async function latencies(call, { count, callers }) {
  const all = [];
  let left = count;
  const caller = async () => {
    while (left-- > 0) all.push((await timed(call)).elapsedMs);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return all;
}

/** Prints rows as a Markdown table. */
export function printTable(title, columns, rows) {
  console.log(`\n### ${title}\n`);
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`|${columns.map(() => '---').join('|')}|`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}

export const ms = value => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
export const ratio = value => `${value.toFixed(2)}×`;
