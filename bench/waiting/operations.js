// The work of bench/waiting: waits, and says when it was done.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineOperation } from 'mcp-await/server';
import { z } from 'zod';

export const operations = [
  defineOperation({
    name: 'timed_sleep',
    description: 'Waits for so many seconds and returns {ended_at}, in milliseconds since the epoch.',
    input: z.object({ seconds: z.number().min(0).max(600) }),
    slaSeconds: 660,
    async run({ seconds }, { signal }) {
      await sleep(seconds * 1000, undefined, { signal });
      return { ended_at: Date.now() };
    },
  }),
];
