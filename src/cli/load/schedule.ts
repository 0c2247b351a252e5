export interface Schedule {
  readonly taskCount: number;
  /** Mean run time of a task in milliseconds. */
  readonly meanMs: number;
  /** Most tasks that run at the same time. */
  readonly parallelTasks: number;
}

/** When about half of the tasks have ended, in milliseconds after they were started together. */
export function middleMs({ taskCount, meanMs, parallelTasks }: Schedule): number {
  // Fewer tasks than can run in parallel all end around the mean.
  return Math.max(meanMs, (meanMs * taskCount) / parallelTasks / 2);
}

/** How long all tasks need, in milliseconds, where each may take `mostMs`. */
export function expectedMs({
  taskCount,
  mostMs,
  parallelTasks,
}: Omit<Schedule, 'meanMs'> & { mostMs: number }): number {
  return Math.ceil(taskCount / parallelTasks) * mostMs;
}
