import { z } from 'zod';
import { sleep as wait } from '../../time/sleep.js';
import { defineOperation } from '../operation.js';

const MAX_SECONDS = 3600;
const REPORT_EVERY_MS = 1000;

const input = z.object({
  seconds: z.number().min(0).max(MAX_SECONDS).describe('How long to wait; fractions are fine'),
});

/** Waits and does nothing else: synthetic latency for load tests. */
export function sleepOperation() {
  return defineOperation({
    name: 'sleep',
    description: `Waits for 0 to ${MAX_SECONDS} seconds and returns {slept_seconds}. For tests of latency and load.`,
    input,
    slaSeconds: MAX_SECONDS + 60,
    async run({ seconds }, { signal, progress }) {
      const startedAt = performance.now();
      for (;;) {
        const elapsedMs = performance.now() - startedAt;
        const remainingMs = seconds * 1000 - elapsedMs;
        if (remainingMs <= 0) return { slept_seconds: seconds };
        if (elapsedMs > 0) progress({ current: Number((elapsedMs / 1000).toFixed(1)), total: seconds });
        await wait(Math.min(REPORT_EVERY_MS, remainingMs), signal);
      }
    },
  });
}
