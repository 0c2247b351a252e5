import { resolve } from 'node:path';
import { UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';

/** A text given inline, as `@file`, or `-` for standard input. @throws UsageError when the file cannot be read */
export async function readSource(source: string, flag: string, io: CommandIo): Promise<string> {
  if (source === '-') return (await import('node:stream/consumers')).text(io.stdin);
  if (!source.startsWith('@')) return source;
  const file = resolve(io.cwd(), source.slice(1));
  const { readTextFile, unreadableReason } = await import('../storage/text-file.js');
  return readTextFile(file).catch(cause => {
    throw new UsageError(`The file ${file} of ${flag} cannot be read: ${unreadableReason(cause)}`, { cause });
  });
}
