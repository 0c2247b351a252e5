import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { largestHolder } from '../fair-share.js';
import { UnreadMessages } from './unread-messages.js';

/** One client's connection, over many HTTP requests. */
export interface Session {
  readonly id: string;
  /** Who opened it; for anybody else it does not exist. */
  readonly principal: string;
  readonly transport: StreamableHTTPServerTransport;
  readonly unread: UnreadMessages;
  /** Requests and streams that are open now. */
  openCount: number;
  /** On the registry's clock. */
  lastUsedAt: number;
  /** When its client last came back for a stream that broke, on the clock of `performance`. */
  resumedAt: number;
  isClosed: boolean;
}

export interface SessionLimits {
  readonly maxSessions: number;
  readonly idleMs: number;
}

/** A session that nobody has used for this long gives way to a new one of the same principal. */
const ABANDONED_AFTER_MS = 60_000;

/** Whether a session has been left alone for too long. */
export function isIdle(
  session: Pick<Session, 'openCount' | 'lastUsedAt'>,
  nowMs: number,
  idleMs: number,
): boolean {
  return session.openCount === 0 && nowMs - session.lastUsedAt >= idleMs;
}

/** The sessions of one server, bounded in number and in idle time. */
export class SessionRegistry {
  readonly #sessions = new Map<string, Session>();
  readonly #limits: SessionLimits;
  readonly #now: () => number;

  constructor(limits: SessionLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Whether `principal` may open a session. Where all are taken, the longest unused one of whoever has most is closed, if
   * that is somebody else; of its own, only an abandoned one.
   */
  makeRoom(principal: string): boolean {
    if (this.#sessions.size < this.#limits.maxSessions) return true;
    this.sweep();
    if (this.#sessions.size < this.#limits.maxSessions) return true;
    const sessions = [...this.#sessions.values()].sort((one, other) => one.lastUsedAt - other.lastUsedAt);
    const holder = largestHolder(
      sessions.map(session => session.principal),
      principal,
    );
    const candidates = sessions.filter(session => session.principal === (holder ?? principal));
    const unused =
      holder === undefined
        ? candidates.find(session => isIdle(session, this.#now(), ABANDONED_AFTER_MS))
        : // Without an unused one, whoever has more than its share loses one that is in use.
          (candidates.find(({ openCount }) => openCount === 0) ?? candidates[0]);
    if (unused === undefined) return false;
    void this.#close(unused).catch(() => {});
    return true;
  }

  add(
    id: string,
    principal: string,
    transport: StreamableHTTPServerTransport,
    unread = new UnreadMessages(transport),
  ): Session {
    const session = {
      id,
      principal,
      transport,
      unread,
      openCount: 0,
      lastUsedAt: this.#now(),
      resumedAt: Number.NEGATIVE_INFINITY,
      isClosed: false,
    };
    this.#sessions.set(id, session);
    return session;
  }

  /** The session, unless there is none, it has expired or it is somebody else's. */
  find(id: string, principal: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || session.principal !== principal) return undefined;
    if (!isIdle(session, this.#now(), this.#limits.idleMs)) return session;
    this.#close(session);
    return undefined;
  }

  /** Counts a request in; the answer counts it out. */
  enter(session: Session): () => void {
    session.openCount += 1;
    session.lastUsedAt = this.#now();
    return () => {
      session.openCount -= 1;
      session.lastUsedAt = this.#now();
    };
  }

  /** For a transport that has closed. */
  remove(id: string): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) session.isClosed = true;
    this.#sessions.delete(id);
  }

  /** Closes the sessions that have expired. */
  sweep(): void {
    for (const session of this.#sessions.values()) {
      if (isIdle(session, this.#now(), this.#limits.idleMs)) this.#close(session);
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(session => this.#close(session)));
  }

  #close(session: Session): Promise<void> {
    this.remove(session.id);
    return session.transport.close();
  }
}
