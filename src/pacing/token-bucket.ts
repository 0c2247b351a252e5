export interface TokenBucketOptions {
  /** Tokens that come back in a second; `Infinity` for no limit. */
  readonly perSecond: number;
  /** Most tokens that are there at once. */
  readonly burst: number;
}

/** A rate with a reserve: full at first. Times are milliseconds on a clock that never goes back. */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #tokens: number;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#tokens = options.burst;
  }

  /** Takes a token. @returns 0, or the milliseconds until there is one */
  take(now: number): number {
    const { perSecond, burst } = this.#options;
    if (perSecond === Number.POSITIVE_INFINITY) return 0;
    const earned = ((now - this.#countedAt) * perSecond) / 1000;
    this.#tokens = Math.min(this.#tokens + earned, burst);
    this.#countedAt = now;
    if (this.#tokens < 1) return ((1 - this.#tokens) * 1000) / perSecond;
    this.#tokens--;
    return 0;
  }
}
