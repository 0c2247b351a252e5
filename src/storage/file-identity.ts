import { statSync } from 'node:fs';

/**
 * Remembers the files of a database that is open. The answer tells whether they still stand where they stood: what is
 * written to a file that was deleted or replaced, no other process sees, and a restart loses it.
 */
export function rememberFiles(file: string): () => boolean {
  const names = [file, `${file}-wal`];
  const identify = () => names.map(identityOf).join(' ');
  const opened = identify();
  return () => identify() === opened;
}

/** A file that is open keeps its number, so that no later one can have it. */
function identityOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`;
}
