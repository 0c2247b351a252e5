import { CountBreaker, CircuitState as CountedAs } from 'cockatiel';

export interface CircuitSettings {
  readonly failureRate: number;
  readonly minimumCalls: number;
  readonly callCount: number;
  readonly openMs: number;
}

/** What one call tells of its tool; `nothing` when it was ended from our side before it could tell. */
export type CircuitVerdict = 'success' | 'failure' | 'nothing';

/**
 * - `closed`: calls pass;
 * - `open`: none passes before `retryAt`;
 * - `half-open`: one call is on its way as a trial. It counts as given up at `retryAt`, so that a trial that nobody
 *   waits for holds up nobody.
 */
export type CircuitState =
  | { readonly name: 'closed' }
  | { readonly name: 'open'; readonly retryAt: number }
  | { readonly name: 'half-open'; readonly retryAt: number; readonly trial: object };

/** Lets one call pass; given back with the verdict. */
export type Pass = object;

/** Stops calls of a tool that keeps failing. Has no timer: `now` is any clock that only goes forward, in milliseconds. */
export class Circuit {
  readonly #settings: CircuitSettings;
  readonly #window: CountBreaker;
  readonly #onChange: (state: CircuitState) => void;
  #state: CircuitState = { name: 'closed' };

  constructor(settings: CircuitSettings, onChange: (state: CircuitState) => void = () => {}) {
    const { failureRate, callCount, minimumCalls } = settings;
    this.#settings = settings;
    this.#window = new CountBreaker({
      threshold: failureRate,
      size: callCount,
      minimumNumberOfCalls: minimumCalls,
    });
    this.#onChange = onChange;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** A pass for one call; undefined when it is not to be sent. */
  admit(now: number): Pass | undefined {
    const pass = {};
    if (this.#state.name === 'closed') return pass;
    if (now < this.#state.retryAt) return undefined;
    this.#become({ name: 'half-open', retryAt: now + this.#settings.openMs, trial: pass });
    return pass;
  }

  /**
   * Counts what a call tells. While the circuit is not closed only the trial tells anything: other calls began before.
   * @param pass undefined for a call that needed none
   */
  settle(pass: Pass | undefined, verdict: CircuitVerdict, now: number): void {
    if (this.#state.name === 'closed') this.#count(verdict, now);
    else if (this.#state.name === 'half-open' && this.#state.trial === pass) this.#decide(verdict, now);
  }

  #count(verdict: CircuitVerdict, now: number): void {
    if (verdict === 'success') this.#window.success(CountedAs.Closed);
    if (verdict === 'failure' && this.#window.failure(CountedAs.Closed)) this.#open(now);
  }

  #decide(verdict: CircuitVerdict, now: number): void {
    switch (verdict) {
      case 'success':
        // Forgets the failures of before.
        this.#window.success(CountedAs.HalfOpen);
        this.#become({ name: 'closed' });
        break;
      case 'failure':
        this.#open(now);
        break;
      case 'nothing':
        // The next call is the trial.
        this.#become({ name: 'open', retryAt: now });
    }
  }

  #open(now: number): void {
    this.#become({ name: 'open', retryAt: now + this.#settings.openMs });
  }

  #become(state: CircuitState): void {
    this.#state = state;
    this.#onChange(state);
  }
}
