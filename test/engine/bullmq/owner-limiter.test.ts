import { expect, test } from 'vitest';
import { LAST_TURN, OwnerLimiter } from '../../../src/engine/bullmq/owner-limiter.js';

function setUp({ presentTurn = 0, ended = [] as string[] } = {}) {
  const looked: string[] = [];
  const asked: number[] = [];
  const turns = new OwnerLimiter({
    presentTurn: async () => {
      asked.push(presentTurn);
      return presentTurn;
    },
    hasEnded: async taskRef => {
      looked.push(taskRef);
      return ended.includes(taskRef);
    },
  });
  const enterMany = async (count: number) => {
    for (let index = 0; index < count; index++) await turns.enter(`task ${index}`, 'bob');
  };
  return { turns, looked, asked, enterMany };
}

test('the first 16 of an owner go straight to the queue, each later one behind the last', async () => {
  const { turns, enterMany } = setUp({ presentTurn: 7 });
  await enterMany(16);
  expect(await turns.turnOf('bob', 'echo')).toBeUndefined();
  await turns.enter('task 17', 'bob');
  expect(await turns.turnOf('bob', 'echo')).toBe(8);
  expect(await turns.turnOf('bob', 'echo')).toBe(9);
  expect(await turns.turnOf('alice', 'echo')).toBeUndefined();
  expect(await turns.turnOf('bob', 'other')).toBe(8);
});

test('the queue is asked once for all that come at the same time', async () => {
  const { turns, asked, enterMany } = setUp({ presentTurn: 7 });
  await enterMany(17);
  const given = await Promise.all(Array.from({ length: 100 }, () => turns.turnOf('bob', 'echo')));
  expect(given).toEqual(Array.from({ length: 100 }, (_, index) => 8 + index));
  expect(asked).toHaveLength(1);
  await turns.turnOf('bob', 'echo');
  expect(asked).toHaveLength(2);
});

test('an owner that has caught up begins anew', async () => {
  const { turns, enterMany } = setUp();
  await enterMany(17);
  expect(await turns.turnOf('bob', 'echo')).toBe(1);
  expect(await turns.turnOf('bob', 'echo')).toBe(2);
  turns.leave('task 0');
  turns.leave('task 1');
  await turns.enter('a', 'bob');
  await turns.enter('b', 'bob');
  expect(await turns.turnOf('bob', 'echo')).toBe(1);
});

test('turns stay within what the queue takes', async () => {
  const { turns, enterMany } = setUp({ presentTurn: LAST_TURN });
  await enterMany(17);
  expect(await turns.turnOf('bob', 'echo')).toBe(LAST_TURN);
});

test('at the limit, tasks of whose end nobody has heard count no more', async () => {
  const { turns, enterMany, looked } = setUp({ ended: ['task 1', 'task 2'] });
  await enterMany(4);
  expect(await turns.enter('new', 'bob', 4)).toBe(true);
  expect(looked).toHaveLength(4);
  expect(await turns.enter('newer', 'bob', 4)).toBe(true);
  // And nobody looks again and again for a caller that only tries.
  expect(await turns.enter('newest', 'bob', 4)).toBe(false);
  expect(looked).toHaveLength(4);
  expect(await turns.enter('hers', 'alice', 4)).toBe(true);
});
