import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing, for this user only. Level by level: where no folder can be made at
 * all, as below /proc, `mkdir` with `recursive` of Node 20 never returns.
 * @param folder an absolute path
 * @throws the file system's error
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let level = folder; !isFolder(level); level = dirname(level)) missing.push(level);
  for (const level of missing.reverse()) makeOne(level);
}

/** @throws when a file stands there, or the folder cannot be looked at */
function isFolder(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isDirectory())
    throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: 'ENOTDIR' });
  return stats !== undefined;
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    // Another process may make the same folder.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(path)) throw error;
  }
}
