import { holdMsBefore, holdMsOf } from '../server/host-timeouts.js';
import type { Upstream } from './upstream.js';

/** How long calls may take before they are answered with their reference. */
export class Patience {
  readonly #toldMs: number | undefined;
  readonly #otherwiseMs: number;

  /**
   * @param toldMs what the operator says, in milliseconds; `Infinity` for any time
   * @param otherwiseMs for a host that nothing is known of
   */
  constructor(toldMs: number | undefined, otherwiseMs: number) {
    this.#toldMs = toldMs;
    this.#otherwiseMs = otherwiseMs;
  }

  /** In milliseconds: what the operator says, else what the file says of this server, else what is known of the host. */
  limitMs(hostName: string | undefined, upstream?: Pick<Upstream, 'timeoutMs'>): number {
    const ofServer = upstream?.timeoutMs === undefined ? undefined : holdMsBefore(upstream.timeoutMs);
    return this.#toldMs ?? ofServer ?? holdMsOf(hostName) ?? this.#otherwiseMs;
  }
}
