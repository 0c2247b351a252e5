/** A number of places that are taken in the order in which they were asked for. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether somebody waits for a place. */
  get isContended(): boolean {
    return this.#waiting.length > 0;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
  }

  /** Takes a place at once, also where there is none: the next ones to be released are not given away then. */
  claim(): void {
    this.#free--;
  }

  /** Lets everybody in: for those who will find that there is nothing more to do. */
  open(): void {
    for (const enter of this.#waiting.splice(0)) enter();
  }

  release(): void {
    const next = this.#free < 0 ? undefined : this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
