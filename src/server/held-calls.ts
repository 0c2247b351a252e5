import { ShareLimiter } from './fair-share.js';

/** A call that is held until there is something to tell. */
export interface HeldCall {
  /** Aborts when the caller has to be answered, because others want to be held as well. */
  readonly signal: AbortSignal;
  release(): void;
}

/** The calls that are held at the same time, shared between principals; what is beyond is answered at once. */
export class HeldCalls {
  readonly #limiter: ShareLimiter;

  constructor(max: number) {
    this.#limiter = new ShareLimiter(max);
  }

  /** Undefined where the principal has its share of held calls already. */
  hold(principal: string): HeldCall | undefined {
    const given = new AbortController();
    const release = this.#limiter.enter(principal, () => given.abort());
    return release && { signal: given.signal, release };
  }
}
