import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { answeredId, cancelledId, isRequest } from '../connection/message-kind.js';

/** Whether somebody answers what the server asks: a person, a model. The time that takes is no silence of the server. */
export class OpenQuestions {
  readonly #open = new Set<unknown>();
  #lastClosedAt = Number.NEGATIVE_INFINITY;

  /** Watches the requests that reach the client's present transport, and their answers. */
  constructor({ transport }: Client) {
    const deliver = transport?.onmessage;
    if (transport === undefined || deliver === undefined) return;
    const send = transport.send.bind(transport);
    transport.onmessage = (message, extra) => {
      if (isRequest(message) && message.method !== 'ping') this.#open.add(message.id);
      const cancelled = cancelledId(message);
      if (cancelled !== undefined) this.#close(cancelled);
      deliver(message, extra);
    };
    transport.send = (message, options) => {
      const answered = answeredId(message);
      if (answered !== undefined) this.#close(answered);
      return send(message, options);
    };
  }

  /** When a question was last open, on the clock of `performance.now()`. */
  get lastOpenAt(): number {
    return this.#open.size > 0 ? performance.now() : this.#lastClosedAt;
  }

  /** Counts a question that came in an answer, not as a request, as open until it is answered. */
  during(answer: Promise<unknown>): void {
    this.#open.add(answer);
    const close = () => this.#close(answer);
    answer.then(close, close);
  }

  /** Forgets all open questions: the connection is lost, so their answers cannot be delivered. */
  clear(): void {
    for (const question of this.#open) this.#close(question);
  }

  #close(question: unknown): void {
    if (this.#open.delete(question)) this.#lastClosedAt = performance.now();
  }
}
