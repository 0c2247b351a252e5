import { basename, resolve } from 'node:path';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import { listServers, namedServer } from '../client/mcp-config.js';
import type { ServerTarget } from '../client/transport.js';
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
  const source = { configFile: file, directory: io.cwd(), environment: io.env };
  const servers = listServers(source).flatMap(({ name, isDisabled, timeoutMs }) => {
    const isItself = () =>
      isProxyOf(
        file,
        unlessUnusable(() => namedServer(name, source)),
      );
    const why = isDisabled ? 'it is switched off there' : isItself() ? 'it is this proxy itself' : undefined;
    if (why === undefined) return [{ name, timeoutMs }];
    io.stderr.write(`The server ${name} of ${file} is left out: ${why}.\n`);
    return [];
  });
  if (servers.length === 0)
    throw new UsageError(`The file ${file} names no server that this proxy could stand before.`);
  return servers.map(({ name, timeoutMs }) => ({
    name,
    target: name,
    timeoutMs,
    configFile: file,
    id: JSON.stringify([file, name]),
    journal: isKept === false ? undefined : journal,
  }));
}

/** Whether a server is a proxy in front of the file that names it, which would start itself without end. */
function isProxyOf(file: string, server: ServerTarget | undefined): boolean {
  if (server === undefined || 'url' in server) return false;
  const { args = [], cwd = '.' } = server;
  const isFile = (word: string) => resolve(cwd, word.replace(/^--config=/, '')) === file;
  return args.includes('proxy') && args.some(isFile);
}

/** An entry that makes no sense is told of when it is connected to. */
function unlessUnusable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : 'server';
}
