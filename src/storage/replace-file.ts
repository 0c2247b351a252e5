import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { ConfigurationError } from '../errors.js';
import { reasonOf } from './failure-reason.js';

/** Of a process that was ended while it wrote. */
const ABANDONED_MS = 60_000;

/**
 * Replaces a file that other programs read, as a whole: nobody sees half of it. Mode and owner stay, and a link stays a
 * link to it.
 * @param seen what the new content was made from: where the file has changed since, it stays
 * @throws ConfigurationError that says why the file is as it was
 */
export function replaceFile(file: string, content: Uint8Array, seen: Uint8Array): void {
  const fail = (why: string, cause?: unknown) =>
    new ConfigurationError(`The file ${file} was not changed: ${why}`, { cause });
  try {
    const target = realpathSync(file);
    const { mode, uid, gid } = statSync(target);
    // A folder that may be written would let it be replaced all the same, and so may root.
    if ((mode & 0o222) === 0) throw fail('it is read-only. Make it writable first.');
    const next = `${target}.mcp-await-new`;
    const descriptor = openAlone(next, fail);
    try {
      if (!readFileSync(target).equals(seen))
        throw fail('another program has changed it meanwhile. Run the command again.');
      writeSync(descriptor, content);
      fchmodSync(descriptor, mode);
      if (process.getuid?.() === 0) fchownSync(descriptor, uid, gid);
      fsyncSync(descriptor);
      renameSync(next, target);
    } catch (error) {
      rmSync(next, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw error instanceof ConfigurationError ? error : fail(reasonOf(error, 'name another file'), error);
  }
}

/** The file that is going to replace the other one is the lock, too. */
function openAlone(next: string, fail: (why: string) => Error): number {
  try {
    return openSync(next, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const age = Date.now() - (statSync(next, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age < ABANDONED_MS)
      throw fail(`another process is writing it (${next}). Run the command again in a minute.`);
    rmSync(next, { force: true });
    return openSync(next, 'wx', 0o600);
  }
}
