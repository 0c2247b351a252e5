import { expect, test } from 'vitest';
import { type SourceFile, sourceFiles } from './source-files.js';

/** What each layer may import besides itself, its own folder, and the files of `EVERYWHERE`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  types: [],
  errors: ['types'],
  time: ['types', 'errors'],
  storage: ['types', 'errors', 'time'],
  pacing: ['types', 'errors', 'time'],
  protocols: ['types', 'errors', 'time', 'pacing'],
  client: ['types', 'errors', 'time', 'storage', 'pacing', 'protocols'],
  integrations: ['types', 'errors', 'time', 'pacing', 'protocols', 'client', 'index'],
  engine: ['types', 'errors', 'time', 'storage'],
  server: ['types', 'errors', 'time', 'storage', 'engine'],
  index: ['types', 'errors', 'client'],
  proxy: ['types', 'errors', 'time', 'storage', 'pacing', 'protocols', 'client', 'engine', 'server'],
  cli: [
    'types',
    'errors',
    'time',
    'storage',
    'pacing',
    'protocols',
    'client',
    'engine',
    'server',
    'proxy',
    'index',
  ],
  version: [],
  'http-headers': [],
  'similar-name': [],
  'load-peer': ['errors'],
  'open-telemetry': [],
  'unknown-option': ['errors'],
};
/** What any layer may import. */
const EVERYWHERE = [
  'version',
  'http-headers',
  'similar-name',
  'load-peer',
  'open-telemetry',
  'unknown-option',
];

const files = sourceFiles();
const layerOf = (path: string) => path.split('/')[1]?.replace(/\.ts$/, '') ?? '';

test('every source file belongs to a known layer', () => {
  const unknown = files.filter(file => MAY_IMPORT[layerOf(file.path)] === undefined);
  expect(unknown.map(file => file.path)).toEqual([]);
});

test('every import of ours leads to a file', () => {
  const paths = new Set(files.map(file => file.path));
  const dangling = files.flatMap(file =>
    file.imports.filter(target => !paths.has(target)).map(target => `${file.path} -> ${target}`),
  );
  expect(dangling).toEqual([]);
});

test('imports point from the outer layers to the inner ones only', () => {
  const wrong = files.flatMap(({ path, imports }) =>
    imports
      .filter(target => {
        const [from, to] = [layerOf(path), layerOf(target)];
        return from !== to && !EVERYWHERE.includes(to) && !MAY_IMPORT[from]?.includes(to);
      })
      .map(target => `${path} -> ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('client and server never meet, save in the proxy and the command line', () => {
  const reach = (from: string) => {
    const seen = new Set<string>();
    const visit = (layer: string) => {
      for (const next of MAY_IMPORT[layer] ?? []) {
        if (!seen.has(next)) {
          seen.add(next);
          visit(next);
        }
      }
    };
    visit(from);
    return seen;
  };
  const both = Object.keys(MAY_IMPORT).filter(
    layer => reach(layer).has('client') && reach(layer).has('server'),
  );
  expect(both).toEqual(['proxy', 'cli']);
});

test('there is no circle of imports when the program runs', () => {
  const byPath = new Map(files.map(file => [file.path, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: SourceFile, trail: readonly string[]) => {
    const at = trail.indexOf(file.path);
    if (at >= 0) circles.push([...trail.slice(at), file.path].join(' -> '));
    if (at >= 0 || done.has(file.path)) return;
    for (const target of file.imports) {
      const next = byPath.get(target);
      if (next !== undefined) visit(next, [...trail, file.path]);
    }
    done.add(file.path);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

const allFilesButIn = (folder: string) => files.filter(file => !file.path.startsWith(folder));
const pathsWith = (pattern: RegExp, among = files) =>
  among.filter(file => pattern.test(file.code)).map(file => file.path);

test('the only timers are in src/time', () => {
  // What is sent to a browser runs there.
  const here = allFilesButIn('src/time/').filter(file => file.path !== 'src/server/task-page/assets.ts');
  expect(pathsWith(/\bset(Timeout|Interval)\b|AbortSignal\.timeout/, here)).toEqual([]);
});

test('nothing writes to the console', () => {
  expect(pathsWith(/\bconsole\./)).toEqual([]);
});

test('nothing ends the process', () => {
  expect(pathsWith(/process\.(exit|abort)\(/)).toEqual([]);
  // Only what a connection has started itself.
  expect(pathsWith(/process\.kill\(/)).toEqual(['src/client/stdio/process-group.ts']);
});

test('no file is longer than 300 lines, and the median is 60 to 90', () => {
  const lengths = files.map(file => ({ path: file.path, lines: file.text.split('\n').length - 1 }));
  expect(lengths.filter(({ lines }) => lines > 300)).toEqual([]);
  const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  expect(median).toBeGreaterThanOrEqual(60);
  expect(median).toBeLessThanOrEqual(90);
});

test('no file has a name that says nothing', () => {
  const named = files.filter(file => /\/(utils?|helpers?|common|misc|shared)(\/|\.ts$)/.test(file.path));
  expect(named.map(file => file.path)).toEqual([]);
});
