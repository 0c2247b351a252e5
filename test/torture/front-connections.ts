import { sleep } from '../../src/time/sleep.js';
import { type Front, FrontConnection, type ToolAnswer } from './front-connection.js';

export interface CallOptions {
  /** Which front is asked first; each next try goes to the next one. */
  readonly first: number;
  /** Told before each try. */
  readonly onTry?: () => void;
}

/** Longer than anything stays away: a call without an answer is a call that fails the test. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 100;

/** One caller's connections to some fronts. */
export class FrontConnections {
  readonly #connections: readonly FrontConnection[];
  /** Told why a request has had no answer, or is to be repeated. */
  readonly #onTrouble: (reason: string) => void;

  constructor(fronts: readonly Front[], onTrouble: (reason: string) => void) {
    this.#connections = fronts.map(front => new FrontConnection(front));
    this.#onTrouble = onTrouble;
  }

  /** Calls a tool again and again until it answers with anything but a failure that may pass. */
  async call(
    tool: string,
    args: Record<string, unknown>,
    { first, onTry }: CallOptions,
  ): Promise<ToolAnswer> {
    const deadline = performance.now() + PATIENCE_MS;
    for (let index = first; ; index++) {
      onTry?.();
      const trouble = await this.#try(index, tool, args);
      if (typeof trouble !== 'string') return trouble;
      this.#onTrouble(trouble);
      if (performance.now() > deadline)
        throw new Error(`No answer to ${tool} within ${PATIENCE_MS} ms. The last trouble: ${trouble}`);
      await sleep(PAUSE_MS);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map(connection => connection.close()));
  }

  /** The answer, or why there is none that counts. */
  async #try(index: number, tool: string, args: Record<string, unknown>): Promise<ToolAnswer | string> {
    const connection = this.#connections[index % this.#connections.length] as FrontConnection;
    try {
      const answer = await connection.call(tool, args);
      const { error } = answer.data;
      const mayPass = !('task_ref' in answer.data) && error?.retryable === true;
      return mayPass ? `${error.code}: ${error.message}` : answer;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}
