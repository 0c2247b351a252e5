import type { JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { AuthorizationError, ServerUnavailableError } from '../../errors.js';
import { TimeLimitError } from '../../time/at-most.js';
import { formatDuration } from '../../time/duration.js';
import { sleep } from '../../time/sleep.js';
import type { ConnectionEvidence } from '../connect/transport.js';
import { NotConnectedError } from './contact.js';
import type { Link } from './link.js';
import { watchSilence } from './while-heard.js';

/** Maximum number of restarts within a time. */
interface RestartLimits {
  readonly most: number;
  readonly withinMs: number;
}

/** Counts restarts, so that a server that always exits is not started forever. */
export class RestartLimit {
  readonly limits: RestartLimits;
  #takenAt: readonly number[] = [];

  constructor(limits: RestartLimits) {
    this.limits = limits;
  }

  /** Whether there may be one more at this moment, which is then counted. */
  take(nowMs: number): boolean {
    const { most, withinMs } = this.limits;
    this.#takenAt = this.#takenAt.filter(at => nowMs - at < withinMs);
    if (this.#takenAt.length >= most) return false;
    this.#takenAt = [...this.#takenAt, nowMs];
    return true;
  }
}

export interface ReopenerOptions {
  /** Makes a connection, without a session yet. */
  readonly open: () => Promise<Link>;
  /** What the last connection has shown. */
  readonly evidence: () => ConnectionEvidence;
  /** Why a connection could not be made. */
  readonly explain: (error: unknown, evidence: ConnectionEvidence) => Error;
  /** Names the server in messages, such as "The server `node`". */
  readonly serverText: string;
  /** Longest silence in one attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** @default as often as somebody asks */
  readonly restarts?: RestartLimits | undefined;
  /** Ends every attempt. */
  readonly signal: AbortSignal;
}

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5000;

/** Makes one connection in the place of another: one at a time for all who ask, and after a failure not at once. */
export class Reopener {
  readonly #options: ReopenerOptions;
  readonly #limit: RestartLimit | undefined;
  #failureCount = 0;
  #opening: Promise<Link> | undefined;

  constructor(options: ReopenerOptions) {
    this.#options = options;
    this.#limit = options.restarts && new RestartLimit(options.restarts);
  }

  /**
   * A connection with a session, opened in the words of `greeting`.
   * @throws NotConnectedError when it cannot be had now, ServerUnavailableError when it will not be tried again so soon,
   * AuthorizationError when the server wants authorization
   */
  reopen(greeting: JSONRPCRequest): Promise<Link> {
    this.#opening ??= this.#open(greeting).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Settles when nothing is under way. */
  async settled(): Promise<void> {
    await this.#opening?.catch(() => {});
  }

  async #open(greeting: JSONRPCRequest): Promise<Link> {
    const { open, evidence, explain, signal } = this.#options;
    if (this.#failureCount > 0) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failureCount - 1), MAX_PAUSE_MS);
      await sleep(pauseMs * (1 + Math.random() / 2), signal);
    }
    this.#checkLimit();
    let link: Link | undefined;
    try {
      link = await open();
      await this.#heard(link.greet(greeting), link);
      signal.throwIfAborted();
      this.#failureCount = 0;
      return link;
    } catch (error) {
      this.#failureCount += 1;
      await link?.close();
      signal.throwIfAborted();
      const reason = explain(error, evidence());
      if (reason instanceof AuthorizationError) throw reason;
      throw new NotConnectedError(reason.message, { cause: reason });
    }
  }

  /** @throws TimeLimitError when the server is silent for too long */
  #heard<Value>(promise: Promise<Value>, link: Link): Promise<Value> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const silence = { timeoutMs, heardAt: () => link.evidence().heardAt };
      const stop = watchSilence(silence, () =>
        reject(new TimeLimitError(`No answer within ${formatDuration(timeoutMs)}`)),
      );
      promise.then(resolve, reject).finally(stop);
    });
  }

  #checkLimit(): void {
    if (this.#limit === undefined || this.#limit.take(performance.now())) return;
    const { serverText, evidence } = this.#options;
    const { most, withinMs } = this.#limit.limits;
    const { stderr } = evidence();
    const heard = stderr === '' ? '' : ` It wrote to standard error:\n${stderr}`;
    throw new ServerUnavailableError(
      `${serverText} was started again ${most} times within ${formatDuration(withinMs)} and has ended again; find out why before you go on.${heard}`,
    );
  }
}
