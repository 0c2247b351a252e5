import { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import type { HttpRefusal } from './responses.js';

/** What one request holds of the server's memory, from its first byte until its answer has been read. */
export interface PendingExchange {
  /** Counts bytes of the request in; false where its principal holds too much already, and nothing of it is to be kept. */
  received(bytes: number): boolean;
  /** Whether an answer may be sent: one that is alone always may, whatever its size. */
  mayAnswer(): boolean;
  /** Counts bytes that will be written on the response, until they are. */
  queued(bytes: number): void;
  /** What the caller is told instead. */
  refusal(): HttpRefusal;
}

interface Held {
  received: number;
  queued: number;
  readonly response: ServerResponse;
}

/** The bytes of unfinished requests and unread answers, bounded for each principal, whichever protocol they belong to. */
export class PendingBytes {
  readonly #max: number;
  readonly #held = new Map<string, Set<Held>>();

  constructor(max: number) {
    this.#max = max;
  }

  of(principal: string): number {
    let sum = 0;
    for (const { received, queued, response } of this.#held.get(principal) ?? [])
      sum += received + queued + response.writableLength;
    return sum;
  }

  /** For a request that has come in; it is forgotten when its response has closed. */
  open(principal: string, response: ServerResponse): PendingExchange {
    const held: Held = { received: 0, queued: 0, response };
    const all = this.#held.get(principal) ?? new Set();
    this.#held.set(principal, all.add(held));
    response.once('close', () => {
      all.delete(held);
      if (all.size === 0 && this.#held.get(principal) === all) this.#held.delete(principal);
    });
    return {
      received: bytes => {
        const isKept = this.of(principal) <= this.#max;
        held.received = isKept ? held.received + bytes : 0;
        return isKept;
      },
      mayAnswer: () => this.of(principal) - held.received <= this.#max,
      queued: bytes => {
        if (held.queued === 0) countWrites(held);
        held.queued += bytes;
      },
      refusal: () => tooMuchPending(this.#max),
    };
  }
}

/** From then on, what is written is in the response's own account. */
function countWrites(held: Held): void {
  const { response } = held;
  if (Object.hasOwn(response, 'write')) return;
  const write = response.write.bind(response) as (...values: unknown[]) => boolean;
  response.write = ((...values: unknown[]) => {
    const [chunk] = values;
    const bytes = typeof chunk === 'string' ? Buffer.byteLength(chunk) : (chunk as Uint8Array).byteLength;
    held.queued = Math.max(0, held.queued - bytes);
    return write(...values);
  }) as ServerResponse['write'];
}

function tooMuchPending(max: number): HttpRefusal {
  return {
    status: 429,
    code: -32000,
    message: `Your unfinished requests and unread answers hold more than ${max} bytes: read the answers, then send the request again (the operator allows more with server.maxPendingBytes)`,
    headers: { 'retry-after': '5' },
  };
}
