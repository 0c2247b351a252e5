export interface Schedule {
  readonly taskCount: number;
  /** Mean run time of a task in milliseconds. */
  readonly meanMs: number;
  /** Most tasks that run at the same time. */
  readonly slots: number;
}

/** When about half of the tasks have ended, in milliseconds after they were started together. */
export function middleMs({ taskCount, meanMs, slots }: Schedule): number {
  // Fewer tasks than slots all end around the mean.
  return Math.max(meanMs, (meanMs * taskCount) / slots / 2);
}

/** How long all tasks need, in milliseconds, where each may take `mostMs`. */
export function expectedMs({
  taskCount,
  mostMs,
  slots,
}: Omit<Schedule, 'meanMs'> & { mostMs: number }): number {
  return Math.ceil(taskCount / slots) * mostMs;
}
