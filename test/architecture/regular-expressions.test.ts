import { check } from 'recheck';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { sourceFiles } from './source-files.js';

/** Those that may take longer than in proportion to the text, because the text is short or is the operator's own. */
const SHORT_TEXTS: Readonly<Record<string, string>> = {
  "^([!#$%&'*+.^_`|~\\w-]+):\\s*(.*)$": 'a header of the command line',
  '\\$\\{([^}]*)\\}': 'a value in the configuration of a server',
  'Listening on (\\S+:(\\d+)\\/\\S*)\\n': 'what a server that `load` has started prints first',
  'Working on .*\\n': 'what a worker that `load` has started prints first',
  '^--?[\\w-]*(token|secret|passw|pwd|api-?_?key|auth|credential|header)[\\w-]*(=|$)':
    'one word of the command of a server that the operator has chosen',
  '(\\w:\\/\\/[^?]*\\?).*': 'one word of that command',
  ':+$': 'a key prefix of at most 48 characters',
  '[.\\s]+$': 'a message of the driver of a database',
  '([?&][^=&#]*(?:pass|secret|token|key)[^=&#]*=)[^&#]*': 'a URL in the settings of the server',
  '\\/\\/.*@': 'a URL in the settings of the server',
};

interface Found {
  readonly path: string;
  readonly pattern: string;
  readonly flags: string;
}

function* literalsIn(node: unknown, path: string): Generator<Found> {
  if (typeof node !== 'object' || node === null) return;
  if ('regex' in node && typeof node.regex === 'object' && node.regex !== null)
    yield { path, ...(node.regex as Omit<Found, 'path'>) };
  for (const inner of Object.values(node)) yield* literalsIn(inner, path);
}

const files = sourceFiles();
const literals = files.flatMap(({ path, text }) => [...literalsIn(parseAst(text, { lang: 'ts' }), path)]);

test('the regular expressions are found', () => {
  expect(literals.length).toBeGreaterThan(100);
});

/** The checker counts steps. A limit of its time would call an expression vulnerable on a busy machine. */
const BY_STEPS_ALONE = { timeout: 500_000, attackTimeout: null, incubationTimeout: null };

test('no regular expression takes longer than in proportion to the text', { timeout: 600_000 }, async () => {
  const open = literals.filter(({ pattern }) => !Object.hasOwn(SHORT_TEXTS, pattern));
  const each = new Map(open.map(found => [`/${found.pattern}/${found.flags}`, found]));
  const slow: string[] = [];
  for (const { path, pattern, flags } of each.values()) {
    const found = await check(pattern, flags, BY_STEPS_ALONE);
    if (found.status !== 'safe') slow.push(`${path}: /${pattern}/${flags} is ${found.status}`);
  }
  expect(slow).toEqual([]);
});

test('what reads the answers of servers has no exception', () => {
  const excepted = literals.filter(({ pattern }) => Object.hasOwn(SHORT_TEXTS, pattern));
  expect(excepted.filter(({ path }) => path.startsWith('src/protocols/'))).toEqual([]);
  expect(new Set(excepted.map(({ pattern }) => pattern))).toEqual(new Set(Object.keys(SHORT_TEXTS)));
});

test('expressions that are put together at run time are made of our own words only', () => {
  const made = files.filter(({ code }) => /\bnew RegExp\(|\bRegExp\(/.test(code)).map(({ path }) => path);
  expect(made).toEqual(['src/engine/bullmq/redis-connection.ts', 'src/protocols/pair/refused-status.ts']);
});
