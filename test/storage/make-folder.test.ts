import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from '../../src/storage/state-folder.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'make-folder-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const codeOf = (run: () => void): string | undefined => {
  try {
    run();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
};

test('makes every level that is missing, for its user only, and leaves the others alone', () => {
  mkdirSync(join(root, 'a'), { mode: 0o755 });
  makeFolder(join(root, 'a/b/c'));
  const modes = ['a', 'a/b', 'a/b/c'].map(path => statSync(join(root, path)).mode & 0o777);
  expect(modes).toEqual([0o755, 0o700, 0o700]);
  makeFolder(join(root, 'a/b/c'));
});

test('goes through a link to a folder', () => {
  mkdirSync(join(root, 'real'));
  symlinkSync(join(root, 'real'), join(root, 'link'));
  makeFolder(join(root, 'link/below'));
  expect(statSync(join(root, 'real/below')).isDirectory()).toBe(true);
});

test.each(['file', 'file/below', 'file/below/it'])('fails where a file stands: %s', path => {
  writeFileSync(join(root, 'file'), '');
  expect(codeOf(() => makeFolder(join(root, path)))).toBe('ENOTDIR');
});

test('fails at a link that leads nowhere', () => {
  symlinkSync(join(root, 'nowhere'), join(root, 'link'));
  expect(codeOf(() => makeFolder(join(root, 'link')))).toBe('EEXIST');
});

test.skipIf(process.platform !== 'linux')('fails where the file system makes no folders', () => {
  expect(codeOf(() => makeFolder('/proc/mcp-await/below/it'))).toMatch(/^E/);
});
