import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../storage/make-folder.js';
import { stateFolder } from '../../storage/state-folder.js';
import type { CommandIo } from '../io.js';

/** A file of a host as it was before a change of ours. */
export interface Copy {
  readonly path: string;
  readonly content: Uint8Array;
  /** Whether this is what our change has made of it. */
  readonly isFollowedBy: (content: Uint8Array) => boolean;
}

/** Copies hold secrets: they are kept in the state folder, for this user only. */
const folderOf = (io: CommandIo) => join(stateFolder(io.env), 'host-files');

const digest = (content: Uint8Array | string) =>
  createHash('sha256').update(content).digest('hex').slice(0, 20);

/** Keeps a copy of what a file has now. @returns its path */
export function keepCopy(file: string, before: Uint8Array, after: Uint8Array, io: CommandIo): string {
  const folder = folderOf(io);
  makeFolder(folder);
  // Names sort by time.
  const path = join(folder, `${digest(file)}-${Date.now()}-${digest(after)}`);
  writeFileSync(path, before, { mode: 0o600, flag: 'wx' });
  return path;
}

/** The copies of a file, the newest first. */
export function copiesOf(file: string, io: CommandIo): readonly Copy[] {
  const names = namesIn(folderOf(io)).filter(name => name.startsWith(`${digest(file)}-`));
  return names
    .sort()
    .reverse()
    .map(name => {
      const path = join(folderOf(io), name);
      return {
        path,
        content: readFileSync(path),
        isFollowedBy: content => name.endsWith(`-${digest(content)}`),
      };
    });
}

export function removeCopies(copies: readonly Copy[]): void {
  for (const { path } of copies) rmSync(path, { force: true });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
