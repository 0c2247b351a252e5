import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import { defineOperation, OperationError } from '../operation.js';
import { digestTree } from './tree-digest.js';

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
      const start = await realPathInside(roots, absolutePath);
      const { digest, files, bytes } = await digestTree(start, {
        algorithm,
        signal,
        onProgress: totals =>
          progress({ current: totals.files, message: `${totals.files} files, ${totals.bytes} bytes` }),
      });
      return { path, algorithm, digest, files, bytes };
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
