import { expect, onTestFinished, test, vi } from 'vitest';
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

test('the queue is asked once for all that come within 100 ms', async () => {
  const { order, asked } = setUp(7);
  const bobs = tasks(17);
  const given = await Promise.all(Array.from({ length: 100 }, () => order.next(bobs, 'echo')));
  expect(given).toEqual(Array.from({ length: 100 }, (_, index) => 8 + index));
  expect(asked).toEqual(['echo']);
  const later = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 101);
  onTestFinished(() => later.mockRestore());
  await order.next(bobs, 'echo');
  expect(asked).toEqual(['echo', 'echo']);
});

test('a queue that could not be asked is asked again', async () => {
  let asked = 0;
  const order = new OwnerOrder(async () => {
    if (asked++ === 0) throw new Error('refused');
    return 7;
  });
  await expect(order.next(tasks(17), 'echo')).rejects.toThrow('refused');
  expect(await order.next(tasks(17), 'echo')).toBe(8);
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
