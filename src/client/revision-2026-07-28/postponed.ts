import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { sleep } from '../../time/sleep.js';
import { PostponedError } from '../http/refusal.js';

const MAX_REPEATS = 3;
/** A server that asks for a longer pause is not waited for. */
const MAX_PAUSE_MS = 30_000;
const DEFAULT_PAUSE_MS = 1000;

/** Sends what begins a connection, and again as often as the server asks to send it later (429, 503), within bounds. */
export async function sendUnlessPostponed(send: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await send();
    } catch (error) {
      const pauseMs = pauseAfter(error);
      if (pauseMs === undefined || pauseMs > MAX_PAUSE_MS || repeats === MAX_REPEATS) throw error;
      await sleep(pauseMs, signal);
    }
  }
}

function pauseAfter(error: unknown): number | undefined {
  if (error instanceof PostponedError) return error.retryAfterMs;
  return error instanceof StreamableHTTPError && error.code === 429 ? DEFAULT_PAUSE_MS : undefined;
}
