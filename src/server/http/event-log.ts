import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

export interface EventLogLimits {
  /** Of all sessions together, as JSON. */
  readonly maxBytes: number;
  readonly maxBytesPerSession: number;
  readonly maxAgeMs: number;
}

const LIMITS: EventLogLimits = {
  maxBytes: 32 * 1024 * 1024,
  maxBytesPerSession: 4 * 1024 * 1024,
  maxAgeMs: 300_000,
};

interface LoggedEvent {
  readonly session: string;
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
  readonly at: number;
}

/**
 * What was sent to sessions lately, so that a client whose stream broke gets the rest (spec 2025-11-25,
 * basic/transports, "Resumability and Redelivery"). The oldest give way: a hint, as the tasks themselves are in the store.
 */
export class EventLog {
  readonly #limits: EventLogLimits;
  readonly #now: () => number;
  /** The oldest first. */
  readonly #events = new Map<string, LoggedEvent>();
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;
  #count = 0;

  constructor(now: () => number, limits: EventLogLimits = LIMITS) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#events.size;
  }

  /** The events of one session: what the SDK's transport keeps them in. */
  ofSession(session: string): EventStore {
    return {
      storeEvent: async (stream, message) => this.#add({ session, stream, message }),
      getStreamIdForEventId: async id => this.#find(session, id)?.stream,
      replayEventsAfter: async (lastId, { send }) => {
        const last = this.#find(session, lastId);
        if (last === undefined) throw new RangeError('The event is not known any more');
        let isLater = false;
        for (const [id, event] of [...this.#events]) {
          const isOurs = event.session === session && event.stream === last.stream;
          // The first event of a stream only names it.
          if (isLater && isOurs && 'jsonrpc' in event.message) await send(id, event.message);
          isLater ||= id === lastId;
        }
        return last.stream;
      },
    };
  }

  /** For a session that has closed. */
  forget(session: string): void {
    for (const [id, event] of this.#events) if (event.session === session) this.#remove(id, event);
  }

  #add(event: Pick<LoggedEvent, 'session' | 'stream' | 'message'>): string {
    this.#count += 1;
    const id = `${this.#count}.${event.stream}`;
    const bytes = Buffer.byteLength(JSON.stringify(event.message));
    this.#events.set(id, { ...event, bytes, at: this.#now() });
    this.#bytes += bytes;
    this.#bytesOf.set(event.session, (this.#bytesOf.get(event.session) ?? 0) + bytes);
    this.#makeRoom(event.session);
    return id;
  }

  #makeRoom(session: string): void {
    const { maxBytes, maxBytesPerSession, maxAgeMs } = this.#limits;
    const isTooMuch = () => (this.#bytesOf.get(session) ?? 0) > maxBytesPerSession;
    for (const [id, event] of this.#events) {
      const isOld = this.#now() - event.at > maxAgeMs;
      if (!isOld && this.#bytes <= maxBytes && !isTooMuch()) return;
      if (isOld || this.#bytes > maxBytes || event.session === session) this.#remove(id, event);
    }
  }

  #find(session: string, id: string): LoggedEvent | undefined {
    const event = this.#events.get(id);
    const isKnown = event?.session === session && this.#now() - event.at <= this.#limits.maxAgeMs;
    return isKnown ? event : undefined;
  }

  #remove(id: string, { session, bytes }: LoggedEvent): void {
    this.#events.delete(id);
    this.#bytes -= bytes;
    const left = (this.#bytesOf.get(session) ?? 0) - bytes;
    if (left > 0) this.#bytesOf.set(session, left);
    else this.#bytesOf.delete(session);
  }
}
