import type { ObservedEnd } from './duration-history.js';

/** How many standard errors the slope must be away from none. */
const SIGNIFICANCE = 4;
const LEAST_ENDS = 8;

/** How many milliseconds longer each task takes than the one before it; 0 where that may as well be chance. */
export function trendOf(ends: readonly ObservedEnd[]): number {
  const points = ends.flatMap(([afterMs, untilMs], index) =>
    untilMs === null || afterMs === 0 ? [] : [{ x: index, y: (afterMs + untilMs) / 2 }],
  );
  const count = points.length;
  if (count < LEAST_ENDS) return 0;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count;
  const squares = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / squares;
  const residual = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return Math.abs(slope) > SIGNIFICANCE * Math.sqrt(residual / (count - 2) / squares) ? slope : 0;
}

/** The ends as they would be of the next task, if the trend goes on. */
export function withTrend(ends: readonly ObservedEnd[], slope: number): readonly ObservedEnd[] {
  if (slope === 0) return ends;
  return ends.map(([afterMs, untilMs], index) => {
    const shift = slope * (ends.length - index);
    const after = Math.max(0, afterMs + (afterMs === 0 ? Math.min(0, shift) : shift));
    return [after, untilMs === null ? null : Math.max(1, after, untilMs + shift)];
  });
}
