/** The owner has as many tasks that have not ended as it may have; nothing was stored. */
export class TooManyTasksError extends Error {
  override readonly name = 'TooManyTasksError';
  readonly maxUnfinished: number;

  constructor(maxUnfinished: number) {
    super(`The owner has ${maxUnfinished} unfinished tasks, the most that are allowed.`);
    this.maxUnfinished = maxUnfinished;
  }
}
