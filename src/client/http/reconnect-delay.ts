export interface EndedStream {
  /** How many streams in a row have brought no message. */
  readonly fruitless: number;
  /** The `retry` that the server sent last. */
  readonly retryMs: number | undefined;
  /** The least delay, however soon the server wants to be asked. */
  readonly minDelayMs: number;
}

const USUAL_DELAY_MS = 1000;
const MAX_DELAY_MS = 60_000;

/**
 * How long to wait before a stream that has ended is asked for again: as long as the server says, and twice as long
 * each time while its streams bring nothing.
 */
export function reconnectDelayMs({ fruitless, retryMs, minDelayMs }: EndedStream): number {
  const asked = retryMs === undefined || retryMs === 0 ? USUAL_DELAY_MS : retryMs;
  const grown = fruitless < 2 ? minDelayMs : USUAL_DELAY_MS * 2 ** (fruitless - 1);
  return Math.min(Math.max(asked, grown), MAX_DELAY_MS);
}
