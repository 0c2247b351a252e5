import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectTarget } from '../client/connect/connect.js';
import { configFileOf, fileAbove, listServers } from '../client/connect/mcp-config.js';
import type { StdioTarget } from '../client/connect/transport.js';
import { displayUrl } from '../client/http/url-parts.js';
import { type KnownServer, knownHttpServer, knownStdioServer } from '../client/journal/known-server.js';
import { maskSecrets } from '../server/config/mask-secrets.js';
import { UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { quote } from './shell-quote.js';

export interface ChosenServer {
  readonly target: ConnectTarget;
  readonly configFile: string | undefined;
  /** What is done first, for a person, such as `starting npx tsx server.ts`. */
  readonly step: string;
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
  const { url, header, server, config, env, quiet, cwd = io.cwd() } = withVariables(flags, io);
  if ([url, server, command[0]].filter(choice => choice !== undefined).length > 1) {
    throw new UsageError('Name one server only: --url, --server or -- COMMAND.');
  }
  if (header !== undefined && url === undefined) throw new UsageError('--header goes with --url.');
  if (env !== undefined && command[0] === undefined) throw new UsageError('--env goes with -- COMMAND.');
  if (config !== undefined && server === undefined) throw new UsageError('--config goes with --server.');
  if (url !== undefined) {
    const names = (header ?? []).map(line => ` --header ${quote(`${line.split(':')[0]}: …`)}`).join('');
    return {
      target: { url, headers: parseHeaders(header ?? []) },
      step: `connecting to ${shownUrl(url)}`,
      configFile: undefined,
      words: ` --url ${shownUrl(url)}${names}`,
      unknownWords: isPartial(URL.canParse(url) && knownHttpServer(new URL(url))) ? undefined : names,
    };
  }
  if (server !== undefined) {
    const above = fileAbove({ configFile: config, directory: cwd });
    if (above !== undefined && quiet !== true)
      io.stderr.write(`The server ${server} is looked up in ${above}, in a folder above this one.\n`);
    const words = ` --server ${quote(server)}${config === undefined ? '' : ` --config ${quote(config)}`}`;
    return {
      target: server,
      step: `connecting to the server ${server}`,
      configFile: config,
      words,
      unknownWords: '',
    };
  }
  const [program, ...args] = command;
  if (program !== undefined) {
    // As a shell does: whoever writes the command has set these variables for it.
    const target = { command: program, args, cwd, env: parseVariables(env ?? []), inheritEnv: true };
    const names = Object.keys(target.env)
      .map(name => ` --env ${quote(`${name}=…`)}`)
      .join('');
    return {
      target,
      step: `starting ${shownCommand(target)}`,
      configFile: undefined,
      unknownWords: isPartial(knownStdioServer(target)) ? undefined : names,
      words: `${names} -- ${command.map(word => quote(withoutPassword(word))).join(' ')}`,
    };
  }
  const { settings } = flags;
  return {
    target: bundledServer(settings === undefined ? [] : ['--settings', settings], cwd),
    step: 'starting the bundled server',
    known: { kind: 'bundled', cwd, ...(settings !== undefined && { settings: resolve(cwd, settings) }) },
    unknownWords: '',
    configFile: undefined,
    words: settings === undefined ? '' : ` --settings ${quote(settings)}`,
  };
}

/**
 * The flags with what those say that name variables of the environment: no value of theirs is in a list of processes.
 * @throws UsageError when a variable is not set
 */
export function withVariables<Flags extends ServerFlags>(flags: Flags, { env }: CommandIo): Flags {
  const { urlEnv, headerEnv, ...others } = flags;
  if (urlEnv === undefined && headerEnv === undefined) return flags;
  const valueIn = (flag: string, name: string) => {
    const value = env[name];
    if (value) return value;
    throw new UsageError(`The variable ${name} of the environment, which ${flag} names, is not set.`);
  };
  const lines = (headerEnv ?? []).map(line => {
    const [, header, variable] = /^([^=]+)=(\w+)$/.exec(line) ?? [];
    if (header === undefined || variable === undefined)
      throw new UsageError('A --header-env is written Name=VARIABLE; one of these is not.');
    return `${header}: ${valueIn('--header-env', variable)}`;
  });
  if (urlEnv !== undefined && flags.url !== undefined)
    throw new UsageError('Name one server only: --url or --url-env.');
  return {
    ...(others as Flags),
    ...(urlEnv !== undefined && { url: valueIn('--url-env', urlEnv) }),
    ...(lines.length > 0 && { header: [...(flags.header ?? []), ...lines] }),
  };
}

/** Where else a tool may be that the bundled server lacks; undefined where a server was named, or no file names any. */
export function serversNearby({ known }: ChosenServer, io: CommandIo): string | undefined {
  if (known?.kind !== 'bundled') return undefined;
  const source = { directory: io.cwd(), environment: io.env };
  try {
    const file = configFileOf(source);
    const names = listServers(source).flatMap(({ name, isDisabled }) => (isDisabled ? [] : [name]));
    if (file === undefined || names.length === 0) return undefined;
    const [first = ''] = names;
    return names.length === 1
      ? `${basename(file)} has the server \`${first}\`: --server ${quote(first)}`
      : `${basename(file)} has the servers ${names.map(name => `\`${name}\``).join(', ')}: name one, as in --server ${quote(first)}`;
  } catch {
    // A file that is wrong is told of when it is used.
    return undefined;
  }
}

/** The bundled server as a child process, with this process's settings: it is ours. */
function bundledServer(settingsFlag: readonly string[], cwd: string): ConnectTarget {
  return {
    command: process.execPath,
    args: [BIN, 'serve', '--stdio', ...settingsFlag],
    inheritEnv: true,
    cwd,
  };
}

function parseVariables(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map(line => {
      const split = line.indexOf('=');
      // What was given may be the secret itself.
      if (split < 1)
        throw new UsageError('An --env is written NAME=VALUE; one of these has no name or no `=`.');
      return [line.slice(0, split), line.slice(split + 1)];
    }),
  );
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

/** Without arguments that are likely to be secret. */
function shownCommand(target: StdioTarget): string {
  const known = knownStdioServer(target);
  return [target.command, ...('args' in known ? known.args : [])].map(withoutPassword).join(' ');
}

function shownUrl(url: string): string {
  return quote(URL.canParse(url) ? displayUrl(url) : '…');
}

function isPartial(server: KnownServer | false): boolean {
  return server !== false && 'isPartial' in server;
}
