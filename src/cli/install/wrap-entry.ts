import { isDeepStrictEqual } from 'node:util';
import { isDisabled } from '../../client/connect/mcp-config-entry.js';
import { withoutSecrets } from '../../client/journal/known-server.js';
import { isRecord } from '../../protocols/tool-result.js';
import { holdMsBefore } from '../../server/host-timeouts.js';
import { plainText } from '../terminal-text.js';
import type { HostFile } from './host-files.js';

export type Entry = Readonly<Record<string, unknown>>;

export type Wrapping =
  | { readonly kind: 'wrapped'; readonly entry: Entry }
  | { readonly kind: 'behind' }
  | { readonly kind: 'skipped'; readonly why: string };

export interface Wrapper {
  readonly host: Pick<HostFile, 'title' | 'refuses' | 'timeoutMs'>;
  /** The words that start this program. */
  readonly program: readonly string[];
}

/** Variables of an entry that have its URL and the value of its nth header: no secret is to be seen in a list of processes. */
const URL_VARIABLE = 'MCP_SERVER_URL';
const headerVariable = (index: number) => `MCP_SERVER_HEADER_${index + 1}`;

/** An entry of a host's file with the proxy before its server, or why it stays as it is. Pure. */
export function wrapEntry(entry: unknown, wrapper: Wrapper): Wrapping {
  if (!isRecord(entry)) return skipped('it is no object');
  if (isBehindProxy(entry)) return { kind: 'behind' };
  if (isOwnServer(entry)) return skipped('it is a server of this program, which answers in time by itself');
  if (isDisabled(entry)) return skipped('it is switched off');
  const refused = wrapper.host.refuses.find(key => Object.hasOwn(entry, key));
  if (refused !== undefined)
    return skipped(`\`${refused}\` is for ${wrapper.host.title} alone: the proxy could not sign in`);
  if (typeof entry.command === 'string') return wrapCommand(entry, wrapper);
  return wrapUrl(entry, wrapper);
}

function skipped(why: string): Wrapping {
  return { kind: 'skipped', why };
}

function wrapCommand(entry: Entry, wrapper: Wrapper): Wrapping {
  const { command, args = [] } = entry;
  if (!Array.isArray(args)) return skipped('its `args` are no list');
  const [program, ...words] = wrapper.program;
  const own = [...words, 'proxy', ...limitFlags(entry, wrapper), '--', command];
  return { kind: 'wrapped', entry: { ...entry, command: program, args: [...own, ...args] } };
}

function wrapUrl(entry: Entry, wrapper: Wrapper): Wrapping {
  const {
    url: plain,
    serverUrl,
    httpUrl,
    headers,
    http_headers: tomlHeaders,
    type,
    transport,
    ...others
  } = entry;
  const url = httpUrl ?? serverUrl ?? plain;
  if (typeof url !== 'string') return skipped('it has neither a `command` nor a URL');
  const values = Object.entries((headers ?? tomlHeaders ?? {}) as object);
  if (others.env !== undefined && !isRecord(others.env)) return skipped('its `env` is no object');
  // A query or a password is a secret, and so is what names neither host nor folder.
  const isSecret = /[?#]|\/\/[^/]*@|[\w-]{24,}/.test(url);
  const env = {
    ...others.env,
    ...(isSecret && { [URL_VARIABLE]: url }),
    ...Object.fromEntries(values.map(([, value], index) => [headerVariable(index), value])),
  };
  const [program, ...words] = wrapper.program;
  const args = [
    ...words,
    'proxy',
    ...limitFlags(entry, wrapper),
    ...(isSecret ? ['--url-env', URL_VARIABLE] : ['--url', url]),
    ...values.flatMap(([name], index) => ['--header-env', `${name}=${headerVariable(index)}`]),
  ];
  return {
    kind: 'wrapped',
    entry: {
      ...others,
      ...(type !== undefined && { type: 'stdio' }),
      ...(transport !== undefined && { transport: 'stdio' }),
      command: program,
      args,
      ...(Object.keys(env).length > 0 && { env }),
    },
  };
}

/** The proxy answers just before the limit that an entry sets, which it is not told otherwise. */
function limitFlags(entry: Entry, { host }: Wrapper): readonly string[] {
  const timeoutMs = host.timeoutMs?.(entry);
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) return [];
  return ['--host-timeout', `${Math.floor(holdMsBefore(timeoutMs))}ms`];
}

/** Whether a server of a file is behind the proxy already. */
export function isBehindProxy(entry: unknown): boolean {
  return verbOf(entry) === 'proxy';
}

function isOwnServer(entry: unknown): boolean {
  return verbOf(entry) === 'serve';
}

/** The verb of this program that an entry runs; undefined where it runs another program. */
function verbOf(entry: unknown): unknown {
  if (!isRecord(entry) || !Array.isArray(entry.args)) return undefined;
  const words = [entry.command, ...entry.args];
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const at = own.findIndex(
    word => typeof word === 'string' && /(^|[\\/])mcp-await(\.js|\.cmd|@[\w.^~-]+)?$/.test(word),
  );
  return at < 0 ? undefined : own[at + 1];
}

const HIDDEN = '…';
/** Keys whose values are secrets, or may be. */
const VALUES_HIDDEN = new Set(['env', 'headers', 'http_headers']);
const URLS = new Set(['url', 'serverUrl', 'httpUrl']);

/** What a change comes to, a line for each key that changes; no secret is in it. */
export function differenceLines(before: Entry, after: Entry): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter(name => !isDeepStrictEqual(before[name], after[name]))
    .flatMap(name => [...lineOf('-', name, before), ...lineOf('+', name, after)]);
}

function lineOf(sign: string, name: string, entry: Entry): readonly string[] {
  if (!Object.hasOwn(entry, name)) return [];
  return [plainText(`${sign} ${name}: ${JSON.stringify(shown(name, entry[name]))}`)];
}

function shown(name: string, value: unknown): unknown {
  if (VALUES_HIDDEN.has(name))
    return isRecord(value) ? Object.fromEntries(Object.keys(value).map(key => [key, HIDDEN])) : HIDDEN;
  if (URLS.has(name)) return typeof value === 'string' ? shownAddress(value) : HIDDEN;
  if (name === 'args' && Array.isArray(value)) return shownArguments(value.map(String));
  return name === 'command' || name === 'type' || name === 'transport' ? value : HIDDEN;
}

function shownArguments(args: readonly string[]): readonly string[] {
  const shown = withoutSecrets(args).map(shownAddress);
  // It names a variable.
  return args.map((word, index) => (args[index - 1] === '--header-env' ? word : (shown[index] ?? HIDDEN)));
}

/** A URL without user, password and query, and without what in its path may be a key. */
function shownAddress(word: string): string {
  if (!/^[\w+.-]+:\/\//.test(word)) return word;
  return word
    .replace(/(\/\/)[^/@]*@/, `$1${HIDDEN}@`)
    .replace(/[?#].*$/s, HIDDEN)
    .replace(/[\w-]{24,}/g, HIDDEN);
}
