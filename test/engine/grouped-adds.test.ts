import { describe, expect, test } from 'vitest';
import { GroupedAdds } from '../../src/engine/grouped-adds.js';
import { newDeferred } from '../../src/time/deferred.js';

/** Adds that wait for `release`; `refused` is refused, and whatever it is added with. */
function heldAdds(isRefusal = true) {
  const groups: (readonly string[])[] = [];
  const held = newDeferred();
  const adds = new GroupedAdds<string>(
    async jobs => {
      groups.push(jobs);
      await held.promise;
      if (jobs.includes('refused')) throw new Error('no');
      return jobs.map(job => `id of ${job}`);
    },
    { isRefusal: () => isRefusal },
  );
  return { groups, adds, release: held.resolve };
}

describe('what is added while earlier ones are being added', () => {
  test('goes together, and each caller has its own answer', async () => {
    const { groups, adds, release } = heldAdds();
    const answers = ['a', 'b', 'c'].map(job => adds.add(job));
    expect(groups).toEqual([['a']]);
    release();
    expect(await Promise.all(answers)).toEqual(['id of a', 'id of b', 'id of c']);
    expect(groups).toEqual([['a'], ['b', 'c']]);
    expect(await adds.add('d')).toBe('id of d');
  });

  test('is in groups of a hundred at most', async () => {
    const { groups, adds, release } = heldAdds();
    const answers = Array.from({ length: 251 }, (_, index) => adds.add(String(index)));
    release();
    await Promise.all(answers);
    expect(groups.map(group => group.length)).toEqual([1, 100, 100, 50]);
  });

  test.each([
    ['is added without the one that is refused', true, ['fulfilled', 'rejected', 'fulfilled']],
    ['fails together where the store is away', false, ['rejected', 'rejected', 'rejected']],
  ])('%s', async (_case, isRefusal, expected) => {
    const { adds, release } = heldAdds(isRefusal);
    void adds.add('first');
    const answers = ['a', 'refused', 'b'].map(job => adds.add(job));
    release();
    expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual(expected);
    expect(await adds.add('later')).toBe('id of later');
  });
});
