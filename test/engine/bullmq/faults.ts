import type { IQueueBackend } from 'bullmq';
import { type Deferred, newDeferred } from '../../../src/time/deferred.js';

type Method = keyof IQueueBackend;

/** The answer of one call, which waits for the test. */
export interface HeldAnswer {
  /** Resolves when the store has answered. */
  readonly answered: Promise<void>;
  readonly release: () => void;
}

/** Holds up or loses what a store answers to one engine. */
export class Faults {
  readonly #held = new Map<PropertyKey, { readonly answered: Deferred; readonly released: Deferred }>();
  readonly #broken = new Set<PropertyKey>();

  /** Holds the answer to the next call of a method. */
  hold(method: Method): HeldAnswer {
    const [answered, released] = [newDeferred(), newDeferred()];
    this.#held.set(method, { answered, released });
    return { answered: answered.promise, release: released.resolve };
  }

  /** Makes all calls of some methods fail, as if they never reached the store, until the answer is called. */
  break(...methods: readonly Method[]): () => void {
    for (const method of methods) this.#broken.add(method);
    return () => {
      for (const method of methods) this.#broken.delete(method);
    };
  }

  wrap(backend: IQueueBackend): IQueueBackend {
    return new Proxy(backend, {
      get: (target, method) => {
        const member = Reflect.get(target, method, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.#call(method, () => member.apply(target, args));
      },
    });
  }

  #call(method: PropertyKey, call: () => unknown): unknown {
    if (this.#broken.has(method)) return Promise.reject(new Error('The store does not do this now.'));
    const held = this.#held.get(method);
    if (held === undefined) return call();
    this.#held.delete(method);
    return this.#answerLate(call, held);
  }

  async #answerLate(
    call: () => unknown,
    { answered, released }: { readonly answered: Deferred; readonly released: Deferred },
  ): Promise<unknown> {
    const answer = await call();
    answered.resolve();
    await released.promise;
    return answer;
  }
}
