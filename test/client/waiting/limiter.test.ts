import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Limiter } from '../../../src/client/waiting/limiter.js';

describe('a limiter', () => {
  test('gives a limited number of permits, and those again that are given back', () => {
    const limiter = new Limiter(1);
    const first = limiter.take();
    expect(limiter.take()).toBeUndefined();
    first?.[Symbol.dispose]();
    expect(limiter.take()).toBeDefined();
  });

  test('serves whoever came first', async () => {
    const { signal } = new AbortController();
    const limiter = new Limiter(1);
    const first = await limiter.enter(signal);
    const order: string[] = [];
    const others = ['a', 'b'].map(async name => {
      using _permit = await limiter.enter(signal);
      order.push(name);
    });
    expect(order).toEqual([]);
    first[Symbol.dispose]();
    await Promise.all(others);
    expect(order).toEqual(['a', 'b']);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(limiter.take()).toBeDefined();
  });

  test('keeps no permit for a caller that has stopped waiting', async () => {
    const controller = new AbortController();
    const limiter = new Limiter(1);
    const first = await limiter.enter(controller.signal);
    const given = limiter.enter(controller.signal);
    controller.abort(new Error('no more'));
    await expect(given).rejects.toThrow('no more');
    await expect(limiter.enter(controller.signal)).rejects.toThrow('no more');
    first[Symbol.dispose]();
    expect(limiter.take()).toBeDefined();
  });
});
