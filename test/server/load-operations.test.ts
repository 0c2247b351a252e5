import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ConfigurationError } from '../../src/errors.js';
import { loadOperations } from '../../src/server/load-operations.js';

const OPERATION = `{ name: 'greet', description: 'Greets.', input: { _zod: {} }, slaSeconds: 5, run: async () => 'hi' }`;

let folder: string;
let fileCount = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'operations-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function plant(source: string): string {
  fileCount += 1;
  const file = join(folder, `operations-${fileCount}.mjs`);
  writeFileSync(file, source);
  return file;
}

test.each([
  ['a named export', `export const operations = [${OPERATION}];`],
  ['a default export', `export default [${OPERATION}];`],
])('takes %s', async (_, source) => {
  const operations = await loadOperations(plant(source));
  expect(operations.map(({ name }) => name)).toEqual(['greet']);
});

test('takes an absolute path, a relative one and a file URL', async () => {
  const file = plant(`export default [${OPERATION}];`);
  const url = pathToFileURL(file);
  for (const form of [file, relative(process.cwd(), file), url, url.href]) {
    await expect(loadOperations(form)).resolves.toHaveLength(1);
  }
});

test.each([
  ['throws while it loads', `throw new Error('no database');`, 'failed to load: no database'],
  ['imports what is not there', `import './nowhere.mjs';`, 'failed to load: '],
  ['exports nothing', '', 'exports no operations: export an array'],
  ['exports one operation bare', `export default ${OPERATION};`, 'exports no operations: export an array'],
  ['exports an empty list', 'export default [];', 'exports no operations'],
  ['has two of a name', `export default [${OPERATION}, ${OPERATION}];`, 'Two operations are named greet'],
  [
    'lists something else',
    `export default [${OPERATION}, 5];`,
    'Entry 2 is no operation. Expected the operation',
  ],
  [
    'lists an incomplete operation',
    `export default [{ name: 'greet' }];`,
    'Entry 1 is no operation. Expected `description`',
  ],
])('refuses a file that %s', async (_, source, message) => {
  const file = plant(source);
  const loading = loadOperations(file);
  await expect(loading).rejects.toThrow(ConfigurationError);
  await expect(loading).rejects.toThrow(message);
  await expect(loading).rejects.toThrow(file);
});

test('tells once that a file takes long to load, and takes it when it has', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const told: string[] = [];
  const file = plant(
    `await new Promise(resolve => Object.assign(globalThis, { letGo: resolve })); export default [${OPERATION}];`,
  );
  const loading = loadOperations(file, line => told.push(line));
  // Each look advances the clock by a second.
  await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 600_000, interval: 1000 });
  expect(told[0]).toMatch(/^The operations file .* has not finished loading after 5 s/);
  await vi.waitFor(() => Reflect.get(globalThis, 'letGo')(), { timeout: 600_000, interval: 1 });
  vi.useRealTimers();
  await expect(loading).resolves.toHaveLength(1);
  expect(told).toHaveLength(1);
});

test('says that the file is missing', async () => {
  const file = join(folder, 'missing.mjs');
  await expect(loadOperations(file)).rejects.toThrow(`Cannot find the operations file ${file}`);
});
