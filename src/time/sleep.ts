/** The longest delay that `setTimeout` takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface TimerOptions {
  /** Lets the process end although the timer has not fired. @default false */
  readonly unref?: boolean | undefined;
}

/** Calls `fire` once after `delayMs` (any length, also beyond 24 days) and returns what stops it. */
export function startTimer(
  delayMs: number,
  fire: () => void,
  { unref = false }: TimerOptions = {},
): () => void {
  if (delayMs > MAX_TIMER_MS) return startLongTimer(delayMs, fire, unref);
  const timer = setTimeout(fire, delayMs);
  if (unref) timer.unref();
  return () => clearTimeout(timer);
}

function startLongTimer(delayMs: number, fire: () => void, unref: boolean): () => void {
  let timer: NodeJS.Timeout;
  const arm = (remainingMs: number) => {
    const stepMs = Math.min(remainingMs, MAX_TIMER_MS);
    timer = setTimeout(() => (remainingMs > stepMs ? arm(remainingMs - stepMs) : fire()), stepMs);
    if (unref) timer.unref();
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}

/**
 * Waits `delayMs` milliseconds; leaves no timer and no listener, however it ends.
 * @throws the signal's reason, promptly, when it aborts.
 */
export function sleep(delayMs: number, signal?: AbortSignal, options: TimerOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      stop();
      reject(signal?.reason);
    };
    const onTime = () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    };
    const stop = startTimer(delayMs, onTime, options);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

export interface AlarmOptions extends TimerOptions {
  /** Forgets a ring before then, on the clock of `performance.now()`. @default every ring counts */
  readonly since?: number | undefined;
}

/** A sleep that can be cut short. A ring that comes while nobody sleeps is kept and ends the next sleep at once. */
export class Alarm {
  /** On the clock of `performance.now()`. */
  #rungAt: number | undefined;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rungAt = performance.now();
    this.#wake?.();
  }

  /**
   * Waits `delayMs` milliseconds or until the alarm rings; leaves no timer and no listener, however it ends.
   * @returns whether it rang
   * @throws the signal's reason when it aborts.
   */
  async sleep(delayMs: number, signal: AbortSignal, options: AlarmOptions = {}): Promise<boolean> {
    signal.throwIfAborted();
    const { since = 0 } = options;
    if (this.#rungAt === undefined || this.#rungAt < since) {
      this.#rungAt = undefined;
      let stop = () => {};
      let wake = () => {};
      await new Promise<void>(resolve => {
        wake = resolve;
        stop = startTimer(delayMs, resolve, options);
        signal.addEventListener('abort', wake, { once: true });
        this.#wake = wake;
      });
      stop();
      signal.removeEventListener('abort', wake);
      this.#wake = undefined;
      signal.throwIfAborted();
    }
    const rang = this.#rungAt !== undefined;
    this.#rungAt = undefined;
    return rang;
  }
}

export interface IdleTimerOptions {
  /** Milliseconds; `Infinity` for never. */
  readonly limitMs: number;
  /** Another source of signs of life: when it gave the last one, on the clock of `performance.now()`. */
  readonly lastSignAt?: (() => number) | undefined;
  readonly onIdle: () => void;
}

/** Calls `onIdle` when there was no sign of life for so long; the next sign begins anew. One timer, however many signs. */
export class IdleTimer implements Disposable {
  readonly #options: IdleTimerOptions;
  #signAt = performance.now();
  #stop: (() => void) | undefined;

  constructor(options: IdleTimerOptions) {
    this.#options = options;
    this.#arm(options.limitMs);
  }

  /** There is a sign of life. */
  sign(): void {
    this.#signAt = performance.now();
    if (this.#stop === undefined) this.#arm(this.#options.limitMs);
  }

  [Symbol.dispose](): void {
    this.#stop?.();
  }

  #arm(delayMs: number): void {
    if (delayMs !== Number.POSITIVE_INFINITY) this.#stop = startTimer(delayMs, () => this.#look());
  }

  #look(): void {
    const { limitMs, lastSignAt, onIdle } = this.#options;
    const signAt = Math.max(this.#signAt, lastSignAt?.() ?? this.#signAt);
    const restMs = signAt + limitMs - performance.now();
    this.#stop = undefined;
    if (restMs > 0) this.#arm(Math.ceil(restMs));
    else onIdle();
  }
}
