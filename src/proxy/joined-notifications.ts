import { startTimer } from '../time/sleep.js';

export interface Notification {
  readonly method: string;
  readonly params?: Record<string, unknown> | undefined;
}

/** What is said again within this time is said once. */
const WITHIN_MS = 500;
/** Different notifications within that time; what is more is not told. */
const MAX_PENDING = 1000;
/** Log messages within that time; a host reads no more. */
const MAX_LOG_MESSAGES = 200;

/**
 * Tells a host what servers say, and what they say again and again within half a second only once more at its end: a host
 * would list all tools for each `list_changed`.
 */
export class JoinedNotifications {
  readonly #tell: (notification: Notification) => void;
  /** What has been told lately, with what has come since. */
  readonly #lately = new Map<string, Notification | undefined>();
  #logMessageCount = 0;
  #stop: (() => void) | undefined;

  constructor(tell: (notification: Notification) => void) {
    this.#tell = tell;
  }

  add(notification: Notification): void {
    this.#stop ??= startTimer(WITHIN_MS, () => this.#flush(), { unref: true });
    const { method, params } = notification;
    if (method === 'notifications/message') {
      if (this.#logMessageCount++ < MAX_LOG_MESSAGES) this.#tell(notification);
      return;
    }
    const key = `${method} ${String(params?.uri ?? params?.elicitationId ?? '')}`;
    if (this.#lately.has(key)) this.#lately.set(key, notification);
    else if (this.#lately.size < MAX_PENDING) {
      this.#lately.set(key, undefined);
      this.#tell(notification);
    }
  }

  close(): void {
    this.#stop?.();
    this.#lately.clear();
  }

  #flush(): void {
    this.#stop = undefined;
    this.#logMessageCount = 0;
    const pending = [...this.#lately.values()].filter(each => each !== undefined);
    this.#lately.clear();
    for (const notification of pending) this.add(notification);
  }
}
