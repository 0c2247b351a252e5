import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { OperationError } from '../operation.js';

type DigestAlgorithm = 'sha256' | 'sha512' | 'sha1';

interface TreeTotals {
  /** Regular files read. */
  readonly files: number;
  /** Bytes of their contents. */
  readonly bytes: number;
}

export interface TreeDigest extends TreeTotals {
  readonly digest: string;
}

export interface TreeDigestOptions {
  readonly algorithm: DigestAlgorithm;
  readonly signal: AbortSignal;
  /** Told after every block that was read. */
  onProgress(totals: TreeTotals): void;
}

type EntryType =
  | 'file'
  | 'directory'
  | 'link'
  | 'fifo'
  | 'socket'
  | 'block-device'
  | 'character-device'
  | 'unknown';

interface Walk extends TreeDigestOptions {
  /** One buffer for all files: they are read one after the other. */
  readonly block: Buffer;
  readonly startLength: number;
  files: number;
  bytes: number;
}

const BLOCK_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);

// A link or a fifo that takes the file's place after we looked must neither be followed nor block us.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The digest of the file or folder at the absolute path `start`, in the format that `hashTree` documents.
 * Paths are handled as bytes, since a file name need not be UTF-8.
 *
 * @throws OperationError when something cannot be read or changed meanwhile; the signal's reason when it aborts.
 */
export async function digestTree(start: string, options: TreeDigestOptions): Promise<TreeDigest> {
  const path = Buffer.from(start);
  const walk = { ...options, block: Buffer.alloc(BLOCK_BYTES), startLength: path.length, files: 0, bytes: 0 };
  const { digest } = await digestEntry(path, walk);
  return { digest, files: walk.files, bytes: walk.bytes };
}

async function digestEntry(path: Buffer, walk: Walk): Promise<{ type: EntryType; digest: string }> {
  walk.signal.throwIfAborted();
  try {
    const type = typeOf(await lstat(path));
    const hash = createHash(walk.algorithm);
    switch (type) {
      case 'file':
        await hashFile(path, hash, walk);
        break;
      case 'directory':
        await hashDirectory(path, hash, walk);
        break;
      case 'link':
        hash.update(await readlink(path, { encoding: 'buffer' }));
        break;
      default:
        hash.update(NOTHING);
    }
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

function typeOf(stats: Stats): EntryType {
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
