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
