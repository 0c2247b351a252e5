import { describe, expect, it } from 'vitest';
import { HostNames, type RefusedName } from '../../src/proxy/names.js';

interface Owner {
  readonly name: string;
}

const a = { name: 'a' };
const b = { name: 'b c' };
type Offered = [Owner, string][];

function hostNames(owners: Owner[] = [a, b], reserved: string[] = []) {
  const refused: RefusedName[] = [];
  const names = new HostNames(owners, { reserved, onRefused: each => refused.push(each) });
  return {
    refused,
    fullForm: (name: string) => names.fullForm(name),
    of: (offered: Offered) =>
      [...names.of(offered.map(([owner, name]) => ({ owner, name })))].map(([name, route]) => [
        name,
        route.owner.name,
        route.name,
      ]),
  };
}

const names = (offered: Offered, reserved: string[] = []) => hostNames([a, b], reserved).of(offered);

describe('the names that a host knows', () => {
  it.each<[string, Offered, string[][]]>([
    [
      'the own names where nobody else has them',
      [
        [a, 'x'],
        [b, 'y'],
      ],
      [
        ['x', 'a', 'x'],
        ['y', 'b c', 'y'],
      ],
    ],
    [
      'with the server before them where two have one',
      [
        [a, 'x'],
        [b, 'x'],
      ],
      [
        ['a_x', 'a', 'x'],
        ['b_c_x', 'b c', 'x'],
      ],
    ],
    [
      'one where a server offers one name twice',
      [
        [a, 'x'],
        [a, 'x'],
      ],
      [['x', 'a', 'x']],
    ],
    [
      'one of each where others have it too',
      [
        [a, 'x'],
        [a, 'x'],
        [b, 'x'],
      ],
      [
        ['a_x', 'a', 'x'],
        ['b_c_x', 'b c', 'x'],
      ],
    ],
    ['with its own prefix where a server says it itself', [[a, 'a_x']], [['a_x', 'a', 'a_x']]],
    [
      'counted where a server has the prefixed name itself',
      [
        [a, 'a_x'],
        [a, 'x'],
        [b, 'x'],
      ],
      [
        ['a_x', 'a', 'a_x'],
        ['a_x_2', 'a', 'x'],
        ['b_c_x', 'b c', 'x'],
      ],
    ],
  ])('are %s', (_what, offered, given) => {
    expect(names(offered)).toEqual(given);
  });

  it('are never those of the proxy itself', () => {
    expect(names([[a, 'await_task']], ['await_task'])).toEqual([['a_await_task', 'a', 'await_task']]);
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

describe('a server that offers what another has', () => {
  it('does not get the name that the host knows, now or later', () => {
    const { of, refused } = hostNames();
    expect(
      of([
        [a, 'x'],
        [b, 'turn'],
      ]),
    ).toEqual([
      ['x', 'a', 'x'],
      ['turn', 'b c', 'turn'],
    ]);
    const after = [
      ['x', 'a', 'x'],
      ['b_c_x', 'b c', 'x'],
    ];
    expect(
      of([
        [a, 'x'],
        [b, 'x'],
      ]),
    ).toEqual(after);
    expect(
      of([
        [b, 'x'],
        [a, 'x'],
      ]),
    ).toEqual([...after].reverse());
    // Also while the other does not offer it, or is away.
    expect(of([[b, 'x']])).toEqual([['b_c_x', 'b c', 'x']]);
    expect(refused).toEqual([]);
  });

  it('is told of where nobody else offers the name now', () => {
    const { of, refused } = hostNames();
    of([[a, 'x']]);
    expect(of([[b, 'x']])).toEqual([['b_c_x', 'b c', 'x']]);
    of([[b, 'x']]);
    expect(refused).toEqual([{ owner: 'b c', name: 'x', givenInstead: 'b_c_x' }]);
  });

  it('gets no name that begins as those of another do', () => {
    const { of, refused } = hostNames();
    expect(
      of([
        [b, 'a_x'],
        [a, 'x'],
        [b, 'x'],
      ]),
    ).toEqual([
      ['b_c_a_x', 'b c', 'a_x'],
      ['a_x', 'a', 'x'],
      ['b_c_x', 'b c', 'x'],
    ]);
    expect(refused).toEqual([{ owner: 'b c', name: 'a_x', givenInstead: 'b_c_a_x' }]);
  });

  it('is apart from it also where one prefix goes on as the other', () => {
    const git = { name: 'git' };
    const hub = { name: 'git_hub' };
    const odd = { name: 'git_' };
    const { of, fullForm } = hostNames([git, hub, odd]);
    const given = of([
      [git, 'hub_x'],
      [hub, 'hub_x'],
      [hub, 'git_y'],
      [hub, 'x'],
      [odd, 'x'],
      [git, 'x'],
    ]);
    expect(new Set(given.map(([name]) => name)).size).toBe(6);
    const owner = (name: string) => given.find(([known]) => known === name)?.[1];
    expect(owner('git_hub_x')).toBe('git_hub');
    for (const [name, whose] of given) if (name?.startsWith('git_hub_')) expect(whose).toBe('git_hub');
    expect(fullForm('git_hub_x')).toBe('git_hub_x');
  });

  it('does not get it by offering 30,000 names of its own', () => {
    const { of } = hostNames();
    of([[a, 'x']]);
    for (let round = 0; round < 15; round++)
      of(Array.from({ length: 2000 }, (_, index) => [b, `${round}-${index}`]));
    expect(
      of([
        [b, 'x'],
        [a, 'x'],
      ]),
    ).toEqual([
      ['b_c_x', 'b c', 'x'],
      ['x', 'a', 'x'],
    ]);
  });
});

it('the full form leads to what has a name of its own', () => {
  const { of, fullForm } = hostNames();
  of([
    [a, 'x'],
    [b, 'y'],
  ]);
  expect(fullForm('a_x')).toBe('x');
  expect(fullForm('b_c_y')).toBe('y');
  expect(fullForm('a_y')).toBeUndefined();
  expect(fullForm('x')).toBeUndefined();
});
