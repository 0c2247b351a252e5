import { expect, test } from 'vitest';
import { LAST_TURN, OwnerOrder } from '../../../src/engine/bullmq/owner-order.js';

function setUp(presentTurn = 0) {
  const asked: string[] = [];
  const order = new OwnerOrder(async operation => {
    asked.push(operation);
    return presentTurn;
  });
  return { order, asked };
}

const tasks = (count: number) => new Set(Array.from({ length: count }, (_, index) => `task ${index}`));

test('the first 16 of an owner go straight to the queue, each later one behind the last', async () => {
  const { order } = setUp(7);
  const [bobs, alices] = [tasks(16), tasks(1)];
  expect(await order.next(bobs, 'echo')).toBeUndefined();
  bobs.add('task 17');
  expect(await order.next(bobs, 'echo')).toBe(8);
  expect(await order.next(bobs, 'echo')).toBe(9);
  expect(await order.next(alices, 'echo')).toBeUndefined();
  expect(await order.next(bobs, 'other')).toBe(8);
});

test('the queue is asked once for all that come at the same time', async () => {
  const { order, asked } = setUp(7);
  const bobs = tasks(17);
  const given = await Promise.all(Array.from({ length: 100 }, () => order.next(bobs, 'echo')));
  expect(given).toEqual(Array.from({ length: 100 }, (_, index) => 8 + index));
  expect(asked).toEqual(['echo']);
  await order.next(bobs, 'echo');
  expect(asked).toEqual(['echo', 'echo']);
});

test('an owner that has caught up begins anew', async () => {
  const { order } = setUp();
  const bobs = tasks(17);
  expect(await order.next(bobs, 'echo')).toBe(1);
  expect(await order.next(bobs, 'echo')).toBe(2);
  for (const ended of ['task 0', 'task 1']) bobs.delete(ended);
  expect(await order.next(bobs.add('a'), 'echo')).toBeUndefined();
  expect(await order.next(bobs.add('b'), 'echo')).toBe(1);
});

test('turns stay within what the queue takes', async () => {
  const { order } = setUp(LAST_TURN);
  expect(await order.next(tasks(17), 'echo')).toBe(LAST_TURN);
});
