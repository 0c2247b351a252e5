import type { JSONRPCMessage, JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { startTimer } from '../../time/sleep.js';
import { ownId } from '../connection/message-kind.js';

export interface SubscriptionsOptions {
  /** Whether the server tells that its list of tools has changed. */
  readonly toolsListChanged: boolean;
  readonly send: (request: JSONRPCRequest) => Promise<void>;
  /** Ends the stream of a request. */
  readonly drop: (id: RequestId) => void;
}

/** Collects changes for this time before a stream is opened; a task that ends sooner needs none. */
const GATHERING_MS = 250;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;
/** Tasks in one stream, the oldest first. Further tasks are polled until a later stream has room for them. */
const MAX_TASKS = 1000;

/**
 * What the server is to tell without being asked: one stream for all, opened anew when it is to tell other things and
 * when it has ended. A server that has no subscriptions is left alone; status requests do without.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #tasks = new Set<string>();
  readonly #resources = new Set<string>();
  #stream: RequestId | undefined;
  /** The previous stream, kept until the new one is acknowledged. */
  #former: RequestId | undefined;
  #stopTimer: (() => void) | undefined;
  #failures = 0;
  #over = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    if (options.toolsListChanged) this.#openIn(GATHERING_MS);
  }

  task(taskId: string, runs: boolean): void {
    if (runs === this.#tasks.has(taskId)) return;
    if (runs) this.#tasks.add(taskId);
    else this.#tasks.delete(taskId);
    // A task that is over tells nothing more: no stream is opened anew for that, unless it has nothing left to tell.
    const isTold = runs && this.#tasks.size <= MAX_TASKS;
    if (isTold || this.#tasks.size === 0) this.#openIn(GATHERING_MS);
  }

  resource(uri: string, wanted: boolean): void {
    if (wanted) this.#resources.add(uri);
    else this.#resources.delete(uri);
    this.#openIn(0);
  }

  /** Whether the message belongs to a stream of ours and not to the client. */
  takes(message: JSONRPCMessage): boolean {
    if (!('method' in message)) {
      if (message.id === undefined || (message.id !== this.#stream && message.id !== this.#former))
        return false;
      this.#ended(message.id, 'error' in message && message.error.code === ErrorCode.MethodNotFound);
      return true;
    }
    if (message.method !== 'notifications/subscriptions/acknowledged') return false;
    this.#failures = 0;
    this.#dropFormer();
    return true;
  }

  /** The stream of a request has ended. */
  ended(id: RequestId): void {
    if (id === this.#stream || id === this.#former) this.#ended(id, false);
  }

  close(): void {
    this.#over = true;
    this.#stopTimer?.();
    this.#dropFormer();
    if (this.#stream !== undefined) this.#options.drop(this.#stream);
    this.#stream = undefined;
  }

  #ended(id: RequestId, isUnknown: boolean): void {
    if (id === this.#former) this.#former = undefined;
    if (id !== this.#stream) return;
    this.#stream = undefined;
    this.#over ||= isUnknown;
    this.#openIn(Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, MAX_PAUSE_MS));
    this.#failures++;
  }

  #openIn(delayMs: number): void {
    if (this.#over || this.#stopTimer !== undefined) return;
    const open = () => {
      this.#stopTimer = undefined;
      this.#open();
    };
    this.#stopTimer = startTimer(delayMs, open, { unref: true });
  }

  #open(): void {
    const notifications = this.#filter();
    this.#dropFormer();
    this.#former = this.#stream;
    this.#stream = undefined;
    if (Object.keys(notifications).length === 0) {
      this.#dropFormer();
      return;
    }
    const id = ownId();
    this.#stream = id;
    const request = {
      jsonrpc: '2.0',
      id,
      method: 'subscriptions/listen',
      params: { notifications },
    } as const;
    this.#options.send(request).catch(() => this.ended(id));
  }

  #filter() {
    return {
      ...(this.#options.toolsListChanged && { toolsListChanged: true }),
      ...(this.#resources.size > 0 && { resourceSubscriptions: [...this.#resources] }),
      ...(this.#tasks.size > 0 && { taskIds: [...this.#tasks].slice(0, MAX_TASKS) }),
    };
  }

  #dropFormer(): void {
    if (this.#former !== undefined) this.#options.drop(this.#former);
    this.#former = undefined;
  }
}
