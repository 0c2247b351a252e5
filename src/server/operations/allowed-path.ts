import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { OperationError } from '../operation.js';

/** Whether the absolute `path` is `root` or lies below it, by name alone. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * The path with all its links followed.
 * @throws OperationError `PATH_NOT_FOUND`; `PATH_REFUSED` when a link leads out of every root.
 */
export async function realPathInside(roots: readonly string[], path: string): Promise<string> {
  const real = await realpath(path).catch(cause => {
    throw new OperationError('PATH_NOT_FOUND', `There is nothing to read at ${path} (${cause.code})`, {
      cause,
    });
  });
  // A root that does not exist allows nothing.
  const realRoots = await Promise.all(roots.map(root => realpath(root).catch(() => undefined)));
  if (!realRoots.some(root => root !== undefined && isInside(root, real))) {
    throw new OperationError('PATH_REFUSED', `${path} is a link that leads out of ${roots.join(', ')}`);
  }
  return real;
}
