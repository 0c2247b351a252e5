import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AdmissionLimiter } from '../../../src/client/waiting/limiter.js';

test('a few callers go on at once', () => {
  const turns = new AdmissionLimiter();
  expect([turns.next(), turns.next(), turns.next()]).toEqual([undefined, undefined, undefined]);
});

test('many at once go on over several turns of the event loop, in their order', async () => {
  const turns = new AdmissionLimiter();
  const order: number[] = [];
  const all = Array.from({ length: 1200 }, async (_, index) => {
    await turns.next();
    order.push(index);
  });
  await Promise.resolve();
  const atOnce = order.length;
  await nextTurn();
  expect(atOnce).toBeLessThan(60);
  expect(order.length).toBeLessThan(1200);
  await Promise.all(all);
  expect(order).toEqual(Array.from({ length: 1200 }, (_, index) => index));
});
