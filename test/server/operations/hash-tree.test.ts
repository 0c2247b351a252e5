import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashTree } from '../../../src/server/operations/hash-tree.js';
import { unasked } from '../../fixtures/server/unasked.js';
import { refusalOf, runOperation } from './run-operation.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hash-tree-'));
});

afterEach(() => rmSync(root, { recursive: true }));

/** The documented format, written a second time and in another way. */
function recompute(path: Buffer, algorithm: string): { type: string; digest: string } {
  const digest = (...parts: Buffer[]) => createHash(algorithm).update(Buffer.concat(parts)).digest('hex');
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return { type: 'link', digest: digest(Buffer.from(readlinkSync(path))) };
  if (stats.isFile()) return { type: 'file', digest: digest(readFileSync(path)) };
  if (stats.isFIFO()) return { type: 'fifo', digest: digest() };
  if (stats.isSocket()) return { type: 'socket', digest: digest() };
  const names = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare);
  const records = names.map(name => {
    const entry = recompute(Buffer.concat([path, Buffer.from('/'), name]), algorithm);
    return Buffer.concat([Buffer.from(`${entry.type} ${entry.digest} `), name, Buffer.from([0])]);
  });
  return { type: 'directory', digest: digest(...records) };
}

function plantTree(): void {
  mkdirSync(join(root, 'données/空'), { recursive: true });
  writeFileSync(join(root, 'données/naïve 🌲.txt'), 'leaf');
  writeFileSync(join(root, 'données/空/deep.bin'), Buffer.alloc(600_000, 7));
  writeFileSync(join(root, 'empty'), '');
  symlinkSync('/etc/passwd', join(root, 'link'));
  symlinkSync('..', join(root, 'données/loop'));
}

describe('digest', () => {
  test.each(['sha256', 'sha512', 'sha1'])('another program recomputes a tree with %s', async algorithm => {
    plantTree();
    const result = await runOperation(hashTree({ roots: [root] }), { path: '.', algorithm });
    const { digest } = recompute(Buffer.from(root), algorithm);
    expect(result).toEqual({ path: '.', algorithm, digest, files: 3, bytes: 600_004 });
  });

  test('of a single file is what sha256sum prints', async () => {
    writeFileSync(join(root, 'a'), 'abc');
    const { digest } = await runOperation(hashTree({ roots: [root] }), { path: 'a' });
    expect(digest).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('does not depend on the order in which files were made', async () => {
    for (const [folder, names] of Object.entries({ one: ['a', 'b', 'A'], two: ['A', 'b', 'a'] })) {
      mkdirSync(join(root, folder));
      for (const name of names) writeFileSync(join(root, folder, name), name);
    }
    const operation = hashTree({ roots: [root] });
    const [one, two] = await Promise.all(['one', 'two'].map(path => runOperation(operation, { path })));
    expect(one?.digest).toBe(two?.digest);
  });

  test.runIf(process.platform === 'linux')('covers names that are not UTF-8', async () => {
    const path = Buffer.from(root);
    for (const byte of [0xff, 0xfe]) {
      writeFileSync(Buffer.concat([path, Buffer.from('/n'), Buffer.from([byte])]), 'x');
    }
    const { digest, files } = await runOperation(hashTree({ roots: [root] }), { path: '.' });
    expect(files).toBe(2);
    expect(digest).toBe(recompute(path, 'sha256').digest);
  });

  test.skipIf(process.platform === 'win32')('records fifos and sockets without opening them', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const server = createServer().listen(join(root, 'socket'));
    await new Promise(resolve => server.once('listening', resolve));
    const { digest, files } = await runOperation(hashTree({ roots: [root] }), { path: '.' });
    expect(files).toBe(0);
    expect(digest).toBe(recompute(Buffer.from(root), 'sha256').digest);
    server.close();
  });

  test('counts files and bytes while it goes', async () => {
    plantTree();
    const reports: unknown[] = [];
    await runOperation(
      hashTree({ roots: [root] }),
      { path: '.' },
      { onProgress: report => reports.push(report) },
    );
    expect(reports.at(-1)).toEqual({ current: 3, message: '3 files, 600004 bytes' });
  });
});

describe('policy', () => {
  test.each(['..', '../sibling', '/', '/etc/passwd', 'a/../../b', 'a\0b'])('refuses the path %j', path => {
    const message = refusalOf(hashTree({ roots: [root] }), { path });
    expect(message).toContain(root);
    expect(message).toContain('--root');
  });

  test('allows a name that only begins like the parent folder', async () => {
    writeFileSync(join(root, '..a'), '');
    await expect(runOperation(hashTree({ roots: [root] }), { path: '..a' })).resolves.toMatchObject({
      files: 1,
    });
  });

  test('takes every root, and an absolute path', async () => {
    mkdirSync(join(root, 'one'));
    mkdirSync(join(root, 'two'));
    const operation = hashTree({ roots: [join(root, 'one'), join(root, 'two')] });
    const path = join(root, 'two');
    await expect(runOperation(operation, { path })).resolves.toMatchObject({ path, files: 0 });
    expect(refusalOf(operation, { path: root })).toBeDefined();
  });

  test('refuses a path that leaves the root through a link as it does one where nothing is', async () => {
    mkdirSync(join(root, 'allowed'));
    mkdirSync(join(root, 'secret'));
    symlinkSync('../secret', join(root, 'allowed/way-out'));
    const operation = hashTree({ roots: [join(root, 'allowed')] });
    writeFileSync(join(root, 'secret/there'), '');
    symlinkSync('loop', join(root, 'allowed/loop'));
    const refusals = ['way-out', 'way-out/there', 'way-out/gone', 'gone', 'loop', 'way-out/there/deeper'].map(
      async path => {
        const error = await runOperation(operation, { path }).catch(reason => reason);
        return { code: error.code, message: error.message.replace(join(root, 'allowed', path), 'PATH') };
      },
    );
    const [first, ...others] = await Promise.all(refusals);
    expect(first).toMatchObject({ code: 'PATH_NOT_FOUND' });
    for (const other of others) expect(other).toEqual(first);
  });

  test('a root may itself be reached through a link', async () => {
    mkdirSync(join(root, 'real'));
    symlinkSync('real', join(root, 'alias'));
    const operation = hashTree({ roots: [join(root, 'alias')] });
    await expect(runOperation(operation, { path: '.' })).resolves.toMatchObject({ files: 0 });
  });

  test('a worker with other roots obeys the server that took the call', async () => {
    const accepted = hashTree({ roots: [root] }).input.parse({ path: '.' });
    const worker = hashTree({ roots: ['/nowhere'] });
    const context = { signal: new AbortController().signal, taskRef: 't', progress: () => {}, ...unasked };
    await expect(worker.run(accepted, context)).resolves.toMatchObject({ files: 0 });
  });

  test('a caller cannot smuggle in roots', () => {
    const smuggled = { path: '.', roots: ['/'], absolutePath: '/' };
    expect(hashTree({ roots: [root] }).input.parse(smuggled)).toMatchObject({
      roots: [root],
      absolutePath: root,
    });
  });

  test('needs a root', () => {
    expect(() => hashTree({ roots: [] })).toThrow('Expected `roots` to name at least one folder, got none');
  });
});

describe('failure', () => {
  test('says that there is nothing at the path', async () => {
    await expect(runOperation(hashTree({ roots: [root] }), { path: 'gone' })).rejects.toMatchObject({
      code: 'PATH_NOT_FOUND',
    });
  });

  test('a file that vanishes while the tree is read is named', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), name);
    const run = runOperation(
      hashTree({ roots: [root] }),
      { path: '.' },
      { onProgress: () => rmSync(join(root, 'c'), { force: true }) },
    );
    await expect(run).rejects.toMatchObject({
      code: 'TREE_CHANGED',
      retryable: true,
      message: 'c vanished or was replaced while the tree was read',
    });
  });

  test.skipIf(process.getuid?.() === 0)('a file that may not be read is named', async () => {
    writeFileSync(join(root, 'private'), 'x', { mode: 0 });
    await expect(runOperation(hashTree({ roots: [root] }), { path: '.' })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: 'private may not be read (EACCES)',
    });
  });

  test('stops in the middle of a file when the signal aborts', async () => {
    writeFileSync(join(root, 'big'), Buffer.alloc(4_000_000));
    const controller = new AbortController();
    let blocks = 0;
    const run = runOperation(
      hashTree({ roots: [root] }),
      { path: '.' },
      {
        signal: controller.signal,
        onProgress: () => {
          blocks += 1;
          controller.abort(new Error('enough'));
        },
      },
    );
    await expect(run).rejects.toThrow('enough');
    expect(blocks).toBe(1);
  });
});
