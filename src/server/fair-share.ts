/**
 * Who has to give up one of what is all taken, so that `asker` gets one: whoever has most, if that is more than the
 * asker has then. Undefined where the asker has its share already.
 */
export function largestHolder(principals: Iterable<string>, asker: string): string | undefined {
  const counts = new Map<string, number>();
  for (const principal of principals) counts.set(principal, (counts.get(principal) ?? 0) + 1);
  const [holder, count] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
  return count > (counts.get(asker) ?? 0) + 1 ? holder : undefined;
}

interface Entry {
  readonly principal: string;
  giveUp(): void;
}

/** A number of places that principals share: where all are taken, the oldest of whoever has most gives way. */
export class ShareLimiter {
  readonly #max: number;
  /** The oldest first. */
  readonly #entries = new Set<Entry>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Takes a place, and returns what frees it; undefined where the principal has its share of them already.
   * @param giveUp called when the place is given to another
   */
  enter(principal: string, giveUp: () => void): (() => void) | undefined {
    if (this.#entries.size >= this.#max && !this.#makeRoom(principal)) return undefined;
    const entry = { principal, giveUp };
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  #makeRoom(asker: string): boolean {
    const entries = [...this.#entries];
    const holder = largestHolder(
      entries.map(({ principal }) => principal),
      asker,
    );
    const oldest = holder === undefined ? undefined : entries.find(({ principal }) => principal === holder);
    if (oldest === undefined) return false;
    this.#entries.delete(oldest);
    oldest.giveUp();
    return true;
  }
}

/** A call that is held until there is something to tell. */
export interface HeldCall {
  /** Aborts when the caller has to be answered, because others want to be held as well. */
  readonly signal: AbortSignal;
  release(): void;
}

/** The calls that are held at the same time, shared between principals; what is beyond is answered at once. */
export class HeldCalls {
  readonly #limiter: ShareLimiter;

  constructor(max: number) {
    this.#limiter = new ShareLimiter(max);
  }

  /** Undefined where the principal has its share of held calls already. */
  hold(principal: string): HeldCall | undefined {
    const given = new AbortController();
    const release = this.#limiter.enter(principal, () => given.abort());
    return release && { signal: given.signal, release };
  }
}
