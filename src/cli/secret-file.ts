import { resolve } from 'node:path';
import { parseTokenFile } from '../server/http/principals.js';
import { readTextFile, unreadableReason } from '../storage/text-file.js';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';

/**
 * The entries of a file of secrets, one per line.
 * @param what `token` or `webhook secret`
 * @throws UsageError when it cannot be read, or has none: that would let everybody in
 */
export async function readSecretFile(file: string, what: string, io: CommandIo): Promise<readonly string[]> {
  const text = await readTextFile(resolve(io.cwd(), file)).catch(cause => {
    throw new UsageError(`The ${what} file ${file} cannot be read: ${unreadableReason(cause)}`, { cause });
  });
  const entries = parseTokenFile(text);
  if (entries.length === 0) throw new UsageError(`The ${what} file ${file} names no ${what}.`);
  return entries;
}
