import fc from 'fast-check';

/** A change of a JSON value somewhere below its root. */
export interface Mutation {
  /** Which member to go down to, at each level, modulo their number. */
  readonly path: readonly number[];
  readonly change:
    | { readonly kind: 'set'; readonly value: unknown }
    | { readonly kind: 'add'; readonly key: string; readonly value: unknown }
    | { readonly kind: 'remove' }
    | { readonly kind: 'repeat'; readonly count: number };
}

const KEYS = ['__proto__', 'constructor', 'toString', 'then', 'toJSON', 'length', '_meta', 'error', ''];

function nested(depth: number, key: string | undefined): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = key === undefined ? [value] : { [key]: value };
  return value;
}

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000\u001b]0;x\u0007\u001b[2J',
    '\u202e\u2066\ufeff\ud800',
    '\u0130\ufb03\u1e9e',
    '\n\r\u2028',
    '%s`',
    'working',
    'completed',
    'failed',
    'cancelled',
    'input_required',
    'task',
    'complete',
    'Infinity',
    '2026-07-28',
    '1970-01-01T00:00:00Z',
    '+275761-01-01T00:00:00Z',
    ...KEYS,
  ),
  fc.constantFrom('x', 'A', '```\n', '\ud83d', '{"').map(text => text.repeat(20_000)),
);

const oddNumber = fc.constantFrom(0, -0, -1, 1, 0.5, 1e-9, 2 ** 31, 2 ** 53, 1e21, -1e308, 1.7e308);

export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: oddText },
  { weight: 3, arbitrary: oddNumber },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], [{}]) },
  {
    weight: 2,
    // Objects that cannot be made a text of, and what a spread would take for more than data.
    arbitrary: fc.constantFrom(
      { toString: 1, valueOf: 1 },
      JSON.parse('{"toJSON":1,"then":1,"length":-1,"constructor":null}'),
      JSON.parse('{"__proto__":{"status":"completed","isError":true}}'),
    ),
  },
  { weight: 1, arbitrary: fc.constant(Array(3000).fill(null)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(60, 900, 1500), fc.constantFrom(undefined, 'task', 'error', '__proto__2'))
      .map(([depth, key]) => nested(depth, key)),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

const change: fc.Arbitrary<Mutation['change']> = fc.oneof(
  { weight: 5, arbitrary: oddValue.map(value => ({ kind: 'set' as const, value })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...KEYS), oddValue)
      .map(([key, value]) => ({ kind: 'add' as const, key, value })),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'remove' as const }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 50, 2000).map(count => ({ kind: 'repeat' as const, count })) },
);

/** Of a message: its result or its parameters. */
const BODY = 2;
const path = fc.array(fc.nat(20), { minLength: 1, maxLength: 7 });

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  path: fc.oneof({ weight: 5, arbitrary: path.map(rest => [BODY, ...rest]) }, { weight: 1, arbitrary: path }),
  change,
});

/** The value with the change in it; own members stay own members, whatever they are called. */
export function mutated(value: unknown, { path, change }: Mutation): unknown {
  const [step = 0, ...rest] = path;
  if (isJsonText(value)) return JSON.stringify(mutated(JSON.parse(value), { path, change }));
  if (typeof value !== 'object' || value === null) return change.kind === 'set' ? change.value : value;
  const entries = Object.entries(value);
  if (entries.length === 0 && change.kind !== 'add') return change.kind === 'set' ? change.value : value;
  const index = step % Math.max(entries.length, 1);
  const [key, inner] = entries[index] ?? ['', undefined];
  if (rest.length > 0 && (isJsonText(inner) || (typeof inner === 'object' && inner !== null)))
    entries[index] = [key, mutated(inner, { path: rest, change })];
  else if (change.kind === 'set') entries[index] = [key, change.value];
  else if (change.kind === 'remove') entries.splice(index, 1);
  else if (change.kind === 'add') entries.push([change.key, change.value]);
  else if (isSmall(inner))
    for (let count = 0; count < change.count; count++) entries.push([`${key}${count}`, inner]);
  return Array.isArray(value) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}

/** Repeated, the rest would be what fills the memory. */
function isSmall(value: unknown): boolean {
  return (JSON.stringify(value)?.length ?? 0) < 1000;
}

/** Data of a tool often stands in a text. */
function isJsonText(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('{') && value.endsWith('}');
}
