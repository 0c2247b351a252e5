import { sleep } from '../../time/sleep.js';
import { LostContactError } from '../connection/contact.js';
import { messageOf } from '../faults/failure.js';
import type { HttpAnswer } from './answer.js';
import { mediaTypeOf } from './body.js';
import { type EndedStream, reconnectDelayMs } from './reconnect-delay.js';

export interface Resumption {
  /** Asks for what comes after the last event. */
  readonly ask: () => Promise<HttpAnswer>;
  readonly ended: Omit<EndedStream, 'minDelayMs'>;
  readonly signal: AbortSignal;
}

/** Failed attempts in a row, about half a minute, after which the server counts as out of reach. */
const MAX_FAILURES = 5;
const MIN_DELAY_MS = 250;
/** Statuses by which a server or a gateway says that it cannot answer now. */
const AT_PRESENT = new Set([408, 425, 429, 502, 503, 504]);

export function mayComeLater(status: number): boolean {
  return AT_PRESENT.has(status);
}

/**
 * The stream that goes on with an answer that broke off (spec 2025-11-25, basic/transports, "Resumability").
 * @throws LostContactError when there is none
 */
export async function resumeStream({ ask, ended, signal }: Resumption): Promise<HttpAnswer> {
  for (let failures = 0; ; ) {
    const fruitless = ended.fruitless + failures;
    await sleep(reconnectDelayMs({ ...ended, fruitless, minDelayMs: MIN_DELAY_MS }), signal);
    const { response, why, isLongLived } = await attempt(ask);
    if (response !== undefined) return response;
    failures++;
    if (isLongLived || failures === MAX_FAILURES)
      throw new LostContactError(`the answer broke off, and the server does not go on with it (${why})`);
  }
}

async function attempt(ask: () => Promise<HttpAnswer>) {
  try {
    const response = await ask();
    const type = mediaTypeOf(response);
    if (response.ok && type === 'text/event-stream') return { response, why: '', isLongLived: false };
    await response.body.cancel();
    const why = response.ok ? `it answers with ${type || 'no media type'}` : `HTTP ${response.status}`;
    return { response: undefined, why, isLongLived: !mayComeLater(response.status) };
  } catch (error) {
    return { response: undefined, why: messageOf(error), isLongLived: false };
  }
}
