import { startTimer } from './sleep.js';

/**
 * Does work again and again, first after `intervalMs`, and then as long after each end; what fails is tried again. Keeps
 * no process alive.
 * @returns what ends it, and resolves when nothing is under way any more.
 */
export function repeat(work: () => Promise<void>, intervalMs: number): () => Promise<void> {
  let isStopped = false;
  let present: Promise<void> = Promise.resolve();
  let cancelNext = () => {};
  const round = () => {
    present = work()
      .catch(() => {})
      .finally(() => {
        if (!isStopped) planNext();
      });
  };
  const planNext = () => {
    cancelNext = startTimer(intervalMs, round, { unref: true });
  };
  planNext();
  return async () => {
    isStopped = true;
    cancelNext();
    await present;
  };
}
