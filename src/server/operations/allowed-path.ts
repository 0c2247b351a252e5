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
 * @throws OperationError `PATH_NOT_FOUND`, in the same words whether nothing is there, it cannot be read, or a link leads
 * out of every root: whoever calls must not learn what there is outside.
 */
export async function realPathInside(roots: readonly string[], path: string): Promise<string> {
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
