import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

export interface EventLogLimits {
  /** Of all sessions together, as JSON. */
  readonly maxBytes: number;
  readonly maxBytesPerSession: number;
  readonly maxAgeMs: number;
}

export const EVENT_LOG_LIMITS: EventLogLimits = {
  maxBytes: 32 * 1024 * 1024,
  maxBytesPerSession: 4 * 1024 * 1024,
  maxAgeMs: 300_000,
};

/** What an event takes besides its message, roughly: one that is empty is not for nothing. */
const EVENT_BYTES = 256;
const SWEEP_INTERVAL_MS = 1000;

interface LoggedEvent {
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
  readonly at: number;
}

interface SessionLog {
  readonly principal: string;
  /** By id, the oldest first. */
  readonly events: Map<string, LoggedEvent>;
  bytes: number;
}

/**
 * What was sent to sessions lately, so that a client whose stream broke gets the rest (spec 2025-11-25,
 * basic/transports, "Resumability and Redelivery"). Where all of it is too much, whoever has most loses its oldest: a
 * hint, as the tasks themselves are in the store.
 */
export class EventLog {
  readonly #limits: EventLogLimits;
  readonly #now: () => number;
  readonly #sessions = new Map<string, SessionLog>();
  #bytes = 0;
  #count = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, limits: EventLogLimits = EVENT_LOG_LIMITS) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return [...this.#sessions.values()].reduce((sum, { events }) => sum + events.size, 0);
  }

  /** The events of one session: what the SDK's transport keeps them in. */
  ofSession(session: string, principal: string): EventStore {
    return {
      storeEvent: async (stream, message) => this.#add(session, principal, { stream, message }),
      getStreamIdForEventId: async id => this.#find(session, id)?.stream,
      replayEventsAfter: async (lastId, { send }) => {
        const last = this.#find(session, lastId);
        if (last === undefined) throw new RangeError('The event is not known any more');
        const events = [...(this.#sessions.get(session)?.events ?? [])];
        const later = events.slice(events.findIndex(([id]) => id === lastId) + 1);
        for (const [id, { stream, message }] of later) {
          // The first event of a stream only names it.
          if (stream === last.stream && 'jsonrpc' in message) await send(id, message);
        }
        return last.stream;
      },
    };
  }

  /** For a session that has closed. */
  forget(session: string): void {
    this.#bytes -= this.#sessions.get(session)?.bytes ?? 0;
    this.#sessions.delete(session);
  }

  #add(session: string, principal: string, event: Pick<LoggedEvent, 'stream' | 'message'>): string {
    this.#count += 1;
    const id = `${this.#count}.${event.stream}`;
    const bytes = Buffer.byteLength(JSON.stringify(event.message)) + EVENT_BYTES;
    const log = this.#sessions.get(session) ?? { principal, events: new Map(), bytes: 0 };
    this.#sessions.set(session, log);
    log.events.set(id, { ...event, bytes, at: this.#now() });
    log.bytes += bytes;
    this.#bytes += bytes;
    this.#makeRoom(session, log);
    return id;
  }

  #makeRoom(session: string, log: SessionLog): void {
    const { maxBytes, maxBytesPerSession } = this.#limits;
    this.#sweep();
    while (log.bytes > maxBytesPerSession) this.#removeOldest(session, log);
    while (this.#bytes > maxBytes) this.#removeOldest(...this.#largestOfLargest());
  }

  /** Drops what is too old, now and then. */
  #sweep(): void {
    const now = this.#now();
    if (now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    for (const [session, log] of this.#sessions) {
      for (const { at } of log.events.values()) {
        if (now - at <= this.#limits.maxAgeMs) break;
        this.#removeOldest(session, log);
      }
    }
  }

  /** The session with most bytes of the principal with most bytes. */
  #largestOfLargest(): readonly [string, SessionLog] {
    const bytesOf = new Map<string, number>();
    for (const { principal, bytes } of this.#sessions.values())
      bytesOf.set(principal, (bytesOf.get(principal) ?? 0) + bytes);
    const [principal] = [...bytesOf].reduce((most, each) => (each[1] > most[1] ? each : most));
    return [...this.#sessions]
      .filter(([, log]) => log.principal === principal)
      .reduce((most, each) => (each[1].bytes > most[1].bytes ? each : most));
  }

  #find(session: string, id: string): LoggedEvent | undefined {
    const event = this.#sessions.get(session)?.events.get(id);
    return event !== undefined && this.#now() - event.at <= this.#limits.maxAgeMs ? event : undefined;
  }

  #removeOldest(session: string, log: SessionLog): void {
    const [oldest] = log.events;
    if (oldest === undefined) return;
    const [id, { bytes }] = oldest;
    log.events.delete(id);
    log.bytes -= bytes;
    this.#bytes -= bytes;
    if (log.events.size === 0) this.#sessions.delete(session);
  }
}
