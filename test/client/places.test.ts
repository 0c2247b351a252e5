import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Places } from '../../src/client/places.js';

describe('places', () => {
  test('are limited, and free again when they are left', () => {
    const places = new Places(1);
    const first = places.take();
    expect(places.take()).toBeUndefined();
    first?.[Symbol.dispose]();
    expect(places.take()).toBeDefined();
  });

  test('go to whoever came first', async () => {
    const { signal } = new AbortController();
    const places = new Places(1);
    const first = await places.enter(signal);
    const order: string[] = [];
    const others = ['a', 'b'].map(async name => {
      using _place = await places.enter(signal);
      order.push(name);
    });
    expect(order).toEqual([]);
    first[Symbol.dispose]();
    await Promise.all(others);
    expect(order).toEqual(['a', 'b']);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(places.take()).toBeDefined();
  });

  test('are not kept for who has stopped waiting', async () => {
    const controller = new AbortController();
    const places = new Places(1);
    const first = await places.enter(controller.signal);
    const given = places.enter(controller.signal);
    controller.abort(new Error('no more'));
    await expect(given).rejects.toThrow('no more');
    await expect(places.enter(controller.signal)).rejects.toThrow('no more');
    first[Symbol.dispose]();
    expect(places.take()).toBeDefined();
  });
});
