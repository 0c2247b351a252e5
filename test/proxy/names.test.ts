import { describe, expect, it } from 'vitest';
import { namesForHost } from '../../src/proxy/names.js';

const a = { name: 'a' };
const b = { name: 'b c' };
const names = (offered: [{ name: string }, string][], reserved: string[] = []) =>
  [
    ...namesForHost(
      offered.map(([owner, name]) => ({ owner, name })),
      reserved,
    ),
  ].map(([name, route]) => [name, route.owner.name, route.name]);

describe('the names that a host knows', () => {
  it('are the own names where nobody else has them', () => {
    expect(
      names([
        [a, 'x'],
        [b, 'y'],
      ]),
    ).toEqual([
      ['x', 'a', 'x'],
      ['y', 'b c', 'y'],
    ]);
  });

  it('have the name of the server before them where two servers have one', () => {
    expect(
      names([
        [a, 'x'],
        [b, 'x'],
      ]),
    ).toEqual([
      ['a_x', 'a', 'x'],
      ['b_c_x', 'b c', 'x'],
    ]);
  });

  it('are never those of the proxy itself', () => {
    expect(names([[a, 'await_task']], ['await_task'])).toEqual([['a_await_task', 'a', 'await_task']]);
  });

  it('are counted where a prefix would make a name that somebody has', () => {
    expect(
      names([
        [a, 'x'],
        [b, 'x'],
        [b, 'a_x'],
      ]),
    ).toEqual([
      ['a_x', 'b c', 'a_x'],
      ['a_x_2', 'a', 'x'],
      ['b_c_x', 'b c', 'x'],
    ]);
  });

  it('are one where a server offers one name twice', () => {
    expect(
      names([
        [a, 'x'],
        [a, 'x'],
      ]),
    ).toEqual([['x', 'a', 'x']]);
    expect(
      names([
        [a, 'x'],
        [a, 'x'],
        [b, 'x'],
      ]),
    ).toEqual([
      ['a_x', 'a', 'x'],
      ['b_c_x', 'b c', 'x'],
    ]);
  });

  it('are never longer than models take', () => {
    const long = 'n'.repeat(64);
    const [first, second] = names([
      [a, long],
      [b, long],
    ]);
    expect(first?.[0]).toHaveLength(64);
    expect(second?.[0]).toHaveLength(64);
  });
});
