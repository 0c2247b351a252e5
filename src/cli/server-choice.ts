import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectTarget } from '../client/connect.js';
import { displayUrl } from '../client/display-url.js';
import { type KnownServer, knownHttpServer, knownStdioServer } from '../client/journal/known-server.js';
import { maskSecrets } from '../server/config/mask-secrets.js';
import { UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { quote } from './shell-quote.js';

export interface ChosenServer {
  readonly target: ConnectTarget;
  readonly configFile: string | undefined;
  /** The same choice as words of a command line, without secrets. */
  readonly words: string;
  /** What of these words the journal does not know; undefined when it does not know enough to do without any. */
  readonly unknownWords: string | undefined;
  /** What the journal takes the server for; undefined where that is plain from the target. */
  readonly known?: KnownServer;
}

/** This program's own entry. */
export const BIN = fileURLToPath(new URL('../../bin/mcp-await.js', import.meta.url));

/**
 * @param command what stood after `--`
 * @throws UsageError when more than one server is named
 */
export function chooseServer(flags: ServerFlags, command: readonly string[], io: CommandIo): ChosenServer {
  const { url, header, server, config, cwd = io.cwd() } = flags;
  if ([url, server, command[0]].filter(choice => choice !== undefined).length > 1) {
    throw new UsageError('Name one server only: --url, --server or -- COMMAND.');
  }
  if (header !== undefined && url === undefined) throw new UsageError('--header goes with --url.');
  if (config !== undefined && server === undefined) throw new UsageError('--config goes with --server.');
  if (url !== undefined) {
    const names = (header ?? []).map(line => ` --header ${quote(`${line.split(':')[0]}: …`)}`).join('');
    return {
      target: { url, headers: parseHeaders(header ?? []) },
      configFile: undefined,
      words: ` --url ${shownUrl(url)}${names}`,
      unknownWords: isPartial(URL.canParse(url) && knownHttpServer(new URL(url))) ? undefined : names,
    };
  }
  if (server !== undefined) {
    const words = ` --server ${quote(server)}${config === undefined ? '' : ` --config ${quote(config)}`}`;
    return { target: server, configFile: config, words, unknownWords: '' };
  }
  const [program, ...args] = command;
  if (program !== undefined) {
    const target = { command: program, args, cwd };
    return {
      target,
      configFile: undefined,
      unknownWords: isPartial(knownStdioServer(target)) ? undefined : '',
      words: ` -- ${command.map(word => quote(withoutPassword(word))).join(' ')}`,
    };
  }
  const { settings } = flags;
  return {
    target: bundledServer(settings === undefined ? [] : ['--settings', settings], cwd, io),
    known: { kind: 'bundled', cwd, ...(settings !== undefined && { settings: resolve(cwd, settings) }) },
    unknownWords: '',
    configFile: undefined,
    words: settings === undefined ? '' : ` --settings ${quote(settings)}`,
  };
}

/** The bundled server as a child process, with this process's whole environment and settings: it is ours. */
function bundledServer(settingsFlag: readonly string[], cwd: string, io: CommandIo): ConnectTarget {
  const env = Object.fromEntries(Object.entries(io.env).filter(entry => entry[1] !== undefined)) as Record<
    string,
    string
  >;
  return { command: process.execPath, args: [BIN, 'serve', '--stdio', ...settingsFlag], env, cwd };
}

function parseHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map(line => {
      const match = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(line);
      if (match === null)
        throw new UsageError("A --header is written 'Name: value'; this one has no colon or no valid name.");
      return [match[1], match[2]];
    }),
  );
}

/** Servers of this program may be told their store. */
function withoutPassword(word: string): string {
  return word.replace(/\b(rediss?|postgres(ql)?):.*/is, maskSecrets);
}

function shownUrl(url: string): string {
  return quote(URL.canParse(url) ? displayUrl(url) : url);
}

function isPartial(server: KnownServer | false): boolean {
  return server !== false && 'isPartial' in server;
}
