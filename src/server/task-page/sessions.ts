import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';
import { ConfigurationError } from '../../errors.js';
import { TASKS_PATH } from '../http/watch-endpoints.js';

const COOKIE = 'mcp_await_tasks';
const MAX_SESSIONS = 1000;
const SESSION_MS = 12 * 3_600_000;

/** One browser that has signed in. */
export interface PageSession {
  readonly principal: string;
  /** Goes with each form that changes something. */
  readonly formToken: string;
  readonly until: number;
}

/** The browsers that have signed in, by the cookie that each has. A restart ends them all. */
export class PageSessions {
  readonly #sessions = new Map<string, PageSession>();

  /** @returns the cookie to set; `secure` where the browser must never send it in the clear */
  open(principal: string, { secure }: { readonly secure: boolean }): string {
    for (const [id, { until }] of this.#sessions) if (until <= Date.now()) this.#sessions.delete(id);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    const id = randomHex();
    this.#sessions.set(id, { principal, formToken: randomHex(), until: Date.now() + SESSION_MS });
    return `${cookie(id, SESSION_MS / 1000)}${secure ? '; Secure' : ''}`;
  }

  find(cookieHeader: string | undefined): PageSession | undefined {
    const session = this.#sessions.get(idOf(cookieHeader));
    return session === undefined || session.until <= Date.now() ? undefined : session;
  }

  /** @returns the cookie that takes the browser's away */
  end(cookieHeader: string | undefined): string {
    this.#sessions.delete(idOf(cookieHeader));
    return cookie('', 0);
  }
}

export function randomHex(): string {
  return randomBytes(32).toString('hex');
}

function idOf(header = ''): string {
  const cookies = header.split(';').map(each => each.trim());
  return cookies.find(each => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? '';
}

function cookie(id: string, maxAgeSeconds: number): string {
  return `${COOKIE}=${id}; Path=${TASKS_PATH}; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}`;
}

/** Wrong tokens that one address may send in a minute. */
const MAX_WRONG_TOKENS = 10;
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
