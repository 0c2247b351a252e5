import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import { defineOperation, OperationError } from '../operation.js';

export interface HashTreePolicy {
  /** Folders that may be read, with all that is below them. A relative path in a call starts at the first. */
  readonly roots: readonly string[];
}

/**
 * Digests a file or a folder of any size under an allowed root.
 *
 * The digest is made to be recomputed by any program, with H the algorithm, in lower case hexadecimal:
 * - of a file: H of its contents, as `sha256sum` prints it;
 * - of a link: H of its text (the link is not followed);
 * - of a folder: H of one record per entry, sorted by the bytes of the name, where a record is the type, a space,
 *   the entry's digest, a space, the bytes of the name and a zero byte;
 * - of a fifo, socket or device: H of nothing (it is not opened).
 *
 * Types are `file`, `directory`, `link`, `fifo`, `socket`, `block-device` and `character-device`. Modes, owners and
 * times do not count. If the path itself is a link, what it leads to is digested, provided that this is under a root.
 */
export function hashTree({ roots }: HashTreePolicy) {
  const allowed = roots.map(root => resolve(root));
  if (allowed.length === 0) {
    throw new ConfigurationError('Expected `roots` to name at least one folder, got none');
  }
  return defineOperation({
    name: 'hash_tree',
    description:
      'Digests a file or a folder with everything in it and returns {path, algorithm, digest, files, bytes}. ' +
      `The path must lie under ${allowed.join(' or ')}; a relative path starts at ${allowed[0]}.`,
    input: inputSchema(allowed),
    slaSeconds: 3600,
    async run({ path, absolutePath, algorithm, roots }, { signal, progress }) {
      const start = Buffer.from(await realPathInside(roots, absolutePath));
      const onProgress = ({ files, bytes }: Walk) =>
        progress({ current: files, message: `${files} files, ${bytes} bytes` });
      const block = Buffer.alloc(BLOCK_BYTES);
      const walk = { algorithm, signal, onProgress, block, startLength: start.length, files: 0, bytes: 0 };
      const { digest } = await digestEntry(start, walk);
      return { path, algorithm, digest, files: walk.files, bytes: walk.bytes };
    },
  });
}

/** Its output carries the roots, so that a worker elsewhere obeys the policy of the server that took the call. */
function inputSchema(roots: readonly string[]) {
  return z
    .object({
      path: z.string().min(1).describe('The file or folder to digest'),
      algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256'),
    })
    .transform(({ path, algorithm }, context) => {
      const absolutePath = resolve(roots[0] ?? '', path);
      if (path.includes('\0') || !roots.some(root => isInside(root, absolutePath))) {
        const message = `Expected \`path\` to lie under ${roots.join(' or ')} (the operator allows more folders with --root)`;
        context.issues.push({ code: 'custom', message, input: path, path: ['path'] });
        return z.NEVER;
      }
      return { path, absolutePath, algorithm, roots };
    });
}

/** Whether the absolute `path` is `root` or lies below it, by name alone. */
function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * The path with all its links followed.
 * @throws OperationError `PATH_NOT_FOUND`, in the same words whether nothing is there, it cannot be read, or a link leads
 * out of every root: whoever calls must not learn what there is outside.
 */
async function realPathInside(roots: readonly string[], path: string): Promise<string> {
  // A root that does not exist allows nothing.
  const [real, ...realRoots] = await Promise.all(
    [path, ...roots].map(each => realpath(each).catch(() => undefined)),
  );
  const isAllowed = (inside: string) => realRoots.some(root => root !== undefined && isInside(root, inside));
  if (real !== undefined && isAllowed(real)) return real;
  throw new OperationError(
    'PATH_NOT_FOUND',
    `There is nothing to read at ${path}: it does not exist, may not be read, or is a link that leads out of ${roots.join(', ')}`,
  );
}

interface Walk {
  readonly algorithm: 'sha256' | 'sha512' | 'sha1';
  readonly signal: AbortSignal;
  /** Told after every block that was read. */
  readonly onProgress: (walk: Walk) => void;
  /** One buffer for all files: they are read one after the other. */
  readonly block: Buffer;
  readonly startLength: number;
  /** Regular files read. */
  files: number;
  /** Bytes of their contents. */
  bytes: number;
}

const BLOCK_BYTES = 256 * 1024;

// A link or a fifo that takes the file's place after we looked must neither be followed nor block us.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The digest of the file or folder at an absolute path, in the format that `hashTree` documents. Paths are handled as
 * bytes, since a file name need not be UTF-8.
 * @throws OperationError when something cannot be read or changed meanwhile; the signal's reason when it aborts.
 */
async function digestEntry(path: Buffer, walk: Walk): Promise<{ type: string; digest: string }> {
  walk.signal.throwIfAborted();
  try {
    const type = typeOf(await lstat(path));
    const hash = createHash(walk.algorithm);
    if (type === 'file') await hashFile(path, hash, walk);
    else if (type === 'directory') await hashDirectory(path, hash, walk);
    else if (type === 'link') hash.update(await readlink(path, { encoding: 'buffer' }));
    return { type, digest: hash.digest('hex') };
  } catch (error) {
    throw toOperationError(error, path.subarray(walk.startLength + 1).toString() || '.');
  }
}

async function hashDirectory(path: Buffer, hash: Hash, walk: Walk): Promise<void> {
  const names = await readdir(path, { encoding: 'buffer' });
  names.sort(Buffer.compare);
  for (const name of names) {
    const { type, digest } = await digestEntry(Buffer.concat([path, Buffer.from('/'), name]), walk);
    hash.update(`${type} ${digest} `).update(name).update('\0');
  }
}

async function hashFile(path: Buffer, hash: Hash, walk: Walk): Promise<void> {
  await using handle = await open(path, OPEN_FLAGS);
  if (!(await handle.stat()).isFile()) {
    throw new OperationError('TREE_CHANGED', 'A file was replaced while the tree was read: try again', {
      retryable: true,
    });
  }
  await hashContents(handle, hash, walk);
  walk.files += 1;
  walk.onProgress(walk);
}

async function hashContents(handle: FileHandle, hash: Hash, walk: Walk): Promise<void> {
  for (;;) {
    walk.signal.throwIfAborted();
    const { bytesRead } = await handle.read(walk.block, 0, BLOCK_BYTES);
    if (bytesRead === 0) return;
    hash.update(walk.block.subarray(0, bytesRead));
    walk.bytes += bytesRead;
    walk.onProgress(walk);
  }
}

function typeOf(stats: Stats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isBlockDevice()) return 'block-device';
  return stats.isCharacterDevice() ? 'character-device' : 'unknown';
}

function toOperationError(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return error;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'EINVAL':
      return new OperationError('TREE_CHANGED', `${name} vanished or was replaced while the tree was read`, {
        retryable: true,
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new OperationError('ACCESS_DENIED', `${name} may not be read (${error.code})`, { cause: error });
    default:
      return new OperationError('READ_FAILED', `${name} cannot be read (${error.code})`, {
        retryable: true,
        cause: error,
      });
  }
}
