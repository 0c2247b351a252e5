import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../exit-code.js';
import type { CommandIo } from '../io.js';

/** Names the settings file where no flag does. */
export const FILE_VARIABLE = 'MCP_AWAIT_CONFIG';

export interface SettingsFlag {
  readonly settings?: string;
}

const NAMES = ['json', 'ts', 'mts', 'js', 'mjs'].map(extension => `mcp-await.config.${extension}`);

/**
 * The file that holds the settings: the one that a flag or the environment names, else the one in the working folder.
 * Not in a folder above it, which may be a stranger's: the file decides what runs and what may be reached.
 * @throws UsageError when there are two to choose from
 */
export function findSettingsFile({ settings }: SettingsFlag, io: CommandIo): string | undefined {
  const named = settings ?? (io.env[FILE_VARIABLE] || undefined);
  if (named !== undefined) return resolve(io.cwd(), named);
  const found = NAMES.filter(name => existsSync(join(io.cwd(), name)));
  const [first, second] = found;
  if (second !== undefined) {
    throw new UsageError(
      `There are ${found.join(' and ')} in ${io.cwd()}: keep one, or name one with --settings.`,
    );
  }
  return first === undefined ? undefined : join(io.cwd(), first);
}
