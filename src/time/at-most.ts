import { startTimer } from './sleep.js';

/** A promise has not ended in time. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

/**
 * The promise's own end, or a rejection after `timeoutMs` milliseconds; the promise itself goes on.
 * @throws TimeLimitError when the time is over
 */
export function atMost<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new TimeLimitError(`No answer within ${timeoutMs} ms`));
    const stop = startTimer(timeoutMs, tooLate, { unref: true });
    promise.then(resolve, reject).finally(stop);
  });
}

/** Whether a promise is fulfilled in time; the promise itself goes on. */
export function isWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  return atMost(promise, limitMs).then(
    () => true,
    () => false,
  );
}
