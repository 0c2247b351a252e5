import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createFolder } from './sqlite-store.js';

test('Closing lets go of tasks, waits, finish and drain, and leaves no timer behind', async () => {
  const folder = await createFolder();
  const script = fileURLToPath(new URL('../fixtures/close.js', import.meta.url));
  const url = `sqlite:${join(folder, 'tasks.db')}`;
  const { stdout } = await promisify(execFile)(process.execPath, [script, url], { timeout: 10_000 });
  expect(stdout).toBe('WORKER_STOPPED ');
  await rm(folder, { recursive: true });
});
