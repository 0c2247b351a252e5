/** Bounds how many tasks run at once. Whoever waits is let in in the order of asking. */
export class RunLimiter {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether somebody waits to be let in. */
  get isContended(): boolean {
    return this.#waiting.length > 0;
  }

  /** Waits for one place, and takes up to `count` that are free then: how many. */
  async take(count: number): Promise<number> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    const more = Math.max(0, Math.min(count - 1, this.#free));
    this.#free -= more;
    return 1 + more;
  }

  /** Takes a place at once, also where there is none: the next ones to be released are not given away then. */
  claim(): void {
    this.#free--;
  }

  /** Lets everybody in: for those who will find that there is nothing more to do. */
  open(): void {
    for (const enter of this.#waiting.splice(0)) enter();
  }

  release(count = 1): void {
    for (let released = 0; released < count; released++) {
      const next = this.#free < 0 ? undefined : this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
