import { startTimer } from '../../time/sleep.js';

const MINUTE_MS = 60_000;
export const MAX_MISTAKES_PER_MINUTE = 20;

/**
 * Hands on what clients do wrong, at most `MAX_MISTAKES_PER_MINUTE` of it in a minute, and then how many more there were:
 * a client must not fill the log.
 */
export function limitMistakes(onError: (error: unknown) => void): (error: unknown) => void {
  let toldCount = 0;
  let untoldCount = 0;
  const endMinute = () => {
    const count = untoldCount;
    toldCount = untoldCount = 0;
    if (count > 0) onError(new Error(`Clients made ${count} more mistakes in the last minute`));
  };
  return error => {
    if (toldCount === 0) startTimer(MINUTE_MS, endMinute, { unref: true });
    if (toldCount === MAX_MISTAKES_PER_MINUTE) {
      untoldCount += 1;
      return;
    }
    toldCount += 1;
    onError(error);
  };
}
