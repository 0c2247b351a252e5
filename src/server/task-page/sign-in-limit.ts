import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';
import { ConfigurationError } from '../../errors.js';

/** Wrong tokens that one address may send in a minute. */
export const MAX_WRONG_TOKENS = 10;
const MINUTE_MS = 60_000;
const MAX_ADDRESSES = 10_000;

interface Attempts {
  readonly until: number;
  wrongCount: number;
}

/** Limits the wrong tokens that an address may send; behind a proxy that is trusted, each browser has its own address. */
export class SignInLimit {
  readonly #isTrusted: (address: string, index: number) => boolean;
  readonly #attempts = new Map<string, Attempts>();
  readonly #now: () => number;

  /** @throws ConfigurationError when one of the proxies is no address */
  constructor(trustedProxies: readonly string[], now = () => performance.now()) {
    this.#isTrusted = compile(trustedProxies);
    this.#now = now;
  }

  /** Seconds after which the address of this request may try a token; 0 where it may now. */
  waitSeconds(request: IncomingMessage): number {
    const { until, wrongCount } = this.#attemptsOf(request);
    return wrongCount < MAX_WRONG_TOKENS ? 0 : Math.ceil((until - this.#now()) / 1000);
  }

  countWrong(request: IncomingMessage): void {
    this.#attemptsOf(request).wrongCount++;
  }

  #attemptsOf(request: IncomingMessage): Attempts {
    const address = proxyAddr(request, this.#isTrusted);
    const now = this.#now();
    const known = this.#attempts.get(address);
    if (known !== undefined && known.until > now) return known;
    const attempts = { until: now + MINUTE_MS, wrongCount: 0 };
    // Behind all others, so that the first is the oldest.
    this.#attempts.delete(address);
    this.#attempts.set(address, attempts);
    const [oldest] = this.#attempts.keys();
    if (this.#attempts.size > MAX_ADDRESSES && oldest !== undefined) this.#attempts.delete(oldest);
    return attempts;
  }
}

function compile(trustedProxies: readonly string[]) {
  try {
    return proxyAddr.compile([...trustedProxies]);
  } catch (cause) {
    throw new ConfigurationError(
      `Expected each trusted proxy (--trusted-proxy) to be an IP address, a range such as 10.0.0.0/8, or loopback, got ${JSON.stringify(trustedProxies)}`,
      { cause },
    );
  }
}
