import { basename, resolve } from 'node:path';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import { serverNames } from '../client/mcp-config.js';
import type { UpstreamTarget } from '../proxy/upstream.js';
import { UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { chooseServer } from './server-choice.js';

export interface ProxyTargetFlags extends ServerFlags {
  /** False with `--no-journal`. */
  readonly journal?: boolean;
}

/**
 * The servers that a proxy stands in front of: the one that the flags name, or all of an `mcpServers` file.
 * @throws UsageError when the flags contradict each other, or the file names no server
 */
export function proxyTargets(
  flags: ProxyTargetFlags,
  command: readonly string[],
  io: CommandIo,
): readonly UpstreamTarget[] {
  const { config, url, server, journal: isKept } = flags;
  // The host has the result once it is sent. A call matters more than its record.
  const journal = { file: defaultJournalFile(io.env), required: false, acknowledge: true };
  if (config === undefined || url !== undefined || server !== undefined || command.length > 0) {
    const { target, configFile, words, known } = chooseServer(flags, command, io);
    const name = server ?? (url === undefined ? basename(command[0] ?? 'mcp-await') : hostOf(url));
    const id = JSON.stringify([words, known ?? io.cwd()]);
    return [
      { name, target, configFile, id, journal: isKept === false ? undefined : { ...journal, server: known } },
    ];
  }
  const file = resolve(io.cwd(), config);
  const names = serverNames({ configFile: file, directory: io.cwd(), environment: io.env });
  if (names.length === 0) throw new UsageError(`The file ${file} names no server.`);
  return names.map(name => ({
    name,
    target: name,
    configFile: file,
    id: JSON.stringify([file, name]),
    journal: isKept === false ? undefined : journal,
  }));
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : 'server';
}
