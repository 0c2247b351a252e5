import { startTimer } from './sleep.js';

type AbortListener = Parameters<AbortSignal['addEventListener']>[1];

/**
 * A signal for what is made for each call or request and seldom aborts. Node's own, with a listener on it, is two fifths of
 * the processor time that we add to a call. This one is for whoever looks at it and listens, as our waits and the SDK do.
 * `fetch` and `AbortSignal.any` need one of Node: give them a linked one.
 */
export class LightSignal implements AbortSignal {
  aborted = false;
  reason: unknown;
  readonly onabort = null;
  readonly #listeners = new Set<AbortListener>();

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event('abort'));
    this.#listeners.clear();
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: AbortListener): void {
    if (!this.aborted) this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: AbortListener): void {
    this.#listeners.delete(listener);
  }

  dispatchEvent(event: Event): boolean {
    for (const listener of this.#listeners)
      (typeof listener === 'function' ? listener : listener.handleEvent).call(listener, event);
    return true;
  }
}

/** For what nothing ends early. */
export const neverAborts: AbortSignal = new LightSignal();

/** A signal of its own life: what was linked is unlinked when it is disposed. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
}

/** A linked signal that whoever made it can abort, too. */
export interface LinkedController extends LinkedSignal {
  abort(reason: unknown): void;
}

/**
 * A fresh signal that aborts with the first of `sources`. Unlike `AbortSignal.any` it can be disposed, so that a
 * long-lived source gathers no listeners from the many short requests made under it.
 */
export function linkSignals(...sources: readonly (AbortSignal | undefined)[]): LinkedController {
  const controller = new AbortController();
  const forward = () => controller.abort(sources.find(source => source?.aborted)?.reason);
  for (const source of sources) {
    if (source?.aborted) controller.abort(source.reason);
    else source?.addEventListener('abort', forward, { once: true });
  }
  return {
    signal: controller.signal,
    abort: reason => controller.abort(reason),
    [Symbol.dispose]() {
      for (const source of sources) source?.removeEventListener('abort', forward);
    },
  };
}

/** A fresh signal that aborts `delayMs` milliseconds after `source`, unless it is disposed before. */
export function laterSignal(source: AbortSignal, delayMs: number): LinkedSignal {
  const controller = new AbortController();
  let stop = () => {};
  const onAbort = () => {
    stop = startTimer(delayMs, () => controller.abort(source.reason), { unref: true });
  };
  if (source.aborted) onAbort();
  else source.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      source.removeEventListener('abort', onAbort);
      stop();
    },
  };
}

/**
 * The promise's own end, or the signal's reason as soon as it aborts. The promise itself goes on.
 * @throws the signal's reason
 */
export async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

interface Audience {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const audiences = new WeakMap<AbortSignal, Audience>();

/**
 * Calls `callback` when the signal aborts, at once if it has; what is returned takes it back. One signal may serve any
 * number of callbacks with a single listener: a signal looks through all its listeners whenever one comes or goes.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const audience = audiences.get(signal) ?? gather(signal);
  audience.callbacks.add(callback);
  return () => {
    audience.callbacks.delete(callback);
    if (audience.callbacks.size > 0 || audiences.get(signal) !== audience) return;
    signal.removeEventListener('abort', audience.listener);
    audiences.delete(signal);
  };
}

function gather(signal: AbortSignal): Audience {
  const callbacks = new Set<() => void>();
  const listener = () => {
    audiences.delete(signal);
    for (const callback of callbacks) callback();
  };
  const audience = { callbacks, listener };
  audiences.set(signal, audience);
  signal.addEventListener('abort', listener, { once: true });
  return audience;
}
