import type { IQueueBackend } from 'bullmq';
import type { RecordStore } from '../../../src/engine/bullmq/record-store.js';
import { type Deferred, newDeferred } from '../../../src/time/deferred.js';

type Method = keyof IQueueBackend | keyof RecordStore;

/** One call, which waits for the test. */
export interface HeldCall {
  /** Resolves when the call waits: the store has reached, or is to be called. */
  readonly reached: Promise<void>;
  readonly release: () => void;
}

/** Holds up or loses what a store answers to one engine. */
export class Faults {
  readonly #held = new Map<PropertyKey, Held>();
  /** Which of them are held before the call. */
  readonly #before = new Set<PropertyKey>();
  readonly #broken = new Set<PropertyKey>();
  readonly #answers = new Map<PropertyKey, (...args: never[]) => unknown>();

  /** Holds the answer to the next call of a method. */
  hold(method: Method): HeldCall {
    const [reached, released] = [newDeferred(), newDeferred()];
    this.#held.set(method, { reached, released });
    return { reached: reached.promise, release: released.resolve };
  }

  /** Holds the next call of a method before it reaches the store. */
  holdBefore(method: Method): HeldCall {
    const held = this.hold(method);
    this.#before.add(method);
    return held;
  }

  /** Makes all calls of some methods fail, as if they never reached the store, until the answer is called. */
  break(...methods: readonly Method[]): () => void {
    for (const method of methods) this.#broken.add(method);
    return () => {
      for (const method of methods) this.#broken.delete(method);
    };
  }

  /** Makes all calls of a method answer so, without reaching the store. */
  answer(method: Method, answer: (...args: never[]) => unknown): void {
    this.#answers.set(method, answer);
  }

  wrap<Store extends IQueueBackend | RecordStore>(store: Store): Store {
    return new Proxy(store, {
      get: (target, method) => {
        const member = Reflect.get(target, method, target);
        if (typeof member !== 'function') return member;
        const answer = this.#answers.get(method);
        const call = (args: never[]) => (answer === undefined ? member.apply(target, args) : answer(...args));
        return (...args: never[]) => this.#call(method, () => call(args));
      },
    });
  }

  #call(method: PropertyKey, call: () => unknown): unknown {
    if (this.#broken.has(method)) return Promise.reject(new Error('The store does not do this now.'));
    const held = this.#held.get(method);
    if (held === undefined) return call();
    this.#held.delete(method);
    return this.#before.delete(method) ? callLate(call, held) : answerLate(call, held);
  }
}

interface Held {
  readonly reached: Deferred;
  readonly released: Deferred;
}

async function answerLate(call: () => unknown, { reached, released }: Held): Promise<unknown> {
  const answer = await call();
  reached.resolve();
  await released.promise;
  return answer;
}

async function callLate(call: () => unknown, { reached, released }: Held): Promise<unknown> {
  reached.resolve();
  await released.promise;
  return call();
}
