import { randomBytes } from 'node:crypto';
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
