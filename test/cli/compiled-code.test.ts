import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newWorkplace, type Workplace } from './command.js';

/** From Node 22.8 on. */
const canKeep = 'enableCompileCache' in module;

let place: Workplace;
beforeAll(async () => {
  place = await newWorkplace();
});
afterAll(() => place.remove());

async function kept(name: string, env: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const folder = join(place.home, name);
  const { code } = await place.start(['--version'], { env: { XDG_CACHE_HOME: folder, ...env } }).finished;
  expect(code).toBe(0);
  return existsSync(join(folder, 'mcp-await'));
}

test.skipIf(!canKeep)('a command keeps its compiled code in the cache folder of the user', async () => {
  expect(await kept('cache')).toBe(true);
});

test('a command keeps no compiled code when NODE_DISABLE_COMPILE_CACHE is set', async () => {
  expect(await kept('none', { NODE_DISABLE_COMPILE_CACHE: '1' })).toBe(false);
});

test('a command works where it can keep no compiled code', async () => {
  expect(await kept('../../dev/null/cache')).toBe(false);
});
