import type { IncomingMessage, ServerResponse } from 'node:http';
import { startTimer } from '../../time/sleep.js';

/** The responses under way: what a server that closes waits for. */
export class OpenResponses {
  readonly #open = new Map<ServerResponse, 'answer' | 'stream'>();
  #changed: (() => void) | undefined;

  add(request: IncomingMessage, response: ServerResponse): void {
    // A GET on the MCP endpoint opens a stream that never ends by itself.
    this.#open.set(response, request.method === 'GET' ? 'stream' : 'answer');
    response.once('close', () => {
      this.#open.delete(response);
      this.#changed?.();
    });
  }

  /** The response has no end of its own after all. */
  markStream(response: ServerResponse): void {
    if (!this.#open.has(response)) return;
    this.#open.set(response, 'stream');
    this.#changed?.();
  }

  /** Resolves when every request that has an end has been answered, at the latest after `timeoutMs`. */
  answersEnded(timeoutMs: number): Promise<void> {
    return this.#until(() => ![...this.#open.values()].includes('answer'), timeoutMs);
  }

  /** Resolves when nothing is open any more, at the latest after `timeoutMs`. */
  allEnded(timeoutMs: number): Promise<void> {
    return this.#until(() => this.#open.size === 0, timeoutMs);
  }

  #until(condition: () => boolean, timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      if (condition()) return resolve();
      const stop = startTimer(timeoutMs, resolve);
      this.#changed = () => {
        if (!condition()) return;
        stop();
        resolve();
      };
    });
  }
}
