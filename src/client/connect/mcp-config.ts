import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { applyEdits, modify } from 'jsonc-parser';
import { ConfigurationError } from '../../errors.js';
import { isRecord } from '../../protocols/tool-result.js';
import { similarName } from '../../similar-name.js';
import { parseCommentedJson } from '../../storage/commented-json.js';
import { replaceFile } from '../../storage/replace-file.js';
import { decodeText, encodeTextLike, unreadableReason } from '../../storage/text-file.js';
import { isDisabled, type OauthEntry, oauthOf, targetOfEntry, timeoutOf } from './mcp-config-entry.js';
import type { ServerTarget } from './transport.js';

const FILE_NAMES = ['.mcp.json', 'mcp.json'];

export interface NamedServerSource {
  /** Path of the file to read; without it the nearest `.mcp.json` or `mcp.json`, from `directory` upwards. */
  readonly configFile?: string | undefined;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The server that a name stands for in an `mcpServers` file as MCP hosts use it.
 * @throws ConfigurationError when the file, the name or a variable is missing, or an entry makes no sense
 */
export function namedServer(name: string, source: NamedServerSource): ServerTarget {
  const { file, servers, entry } = readEntry(name, source);
  if (entry === undefined) throw new ConfigurationError(unknownName(name, Object.keys(servers), file));
  return targetOfEntry(entry, source.environment, `server \`${name}\` in ${file}`);
}

/** What the file says of the server's pairs of tools, as it stands there. @throws ConfigurationError as `namedServer` */
export function pairsOfServer(
  name: string,
  source: NamedServerSource,
): { readonly pairs: unknown; readonly where: string } {
  const { file, entry } = readEntry(name, source);
  const pairs = (entry as { readonly pairs?: unknown } | undefined)?.pairs;
  return { pairs: pairs ?? [], where: `\`pairs\` of the server \`${name}\` in ${file}` };
}

/** What the file says of signing in to the server. @throws ConfigurationError as `namedServer` */
export function oauthOfServer(name: string, source: NamedServerSource): OauthEntry {
  const { file, entry } = readEntry(name, source);
  return oauthOf(entry, source.environment, `server \`${name}\` in ${file}`);
}

/**
 * Adds profiles to a server of a file, and changes nothing else in it. One whose name is there stays as it is.
 * @returns how many were added @throws ConfigurationError when the file cannot be read or has no such server
 */
export function addPairs(
  file: string,
  server: string,
  profiles: readonly { readonly name: string }[],
): number {
  const bytes = readBytes(file);
  const text = decodeText(bytes);
  const config = parseConfig(text, file);
  const entry = Object.hasOwn(config.servers, server)
    ? (config.servers[server] as { readonly pairs?: unknown } | null)
    : undefined;
  if (entry === undefined)
    throw new ConfigurationError(unknownName(server, Object.keys(config.servers), file));
  const known = Array.isArray(entry?.pairs) ? entry.pairs : [];
  const names = new Set(
    known.map(pair => (typeof pair === 'string' ? pair : (pair as { name?: unknown } | null)?.name)),
  );
  const added = profiles.filter(({ name }) => !names.has(name));
  const edits = modify(text, [config.keyOf(server), server, 'pairs'], [...known, ...added], {
    formattingOptions: { insertSpaces: !/^\t/m.test(text), tabSize: 2 },
  });
  if (added.length > 0) replaceFile(file, encodeTextLike(applyEdits(text, edits), bytes), bytes);
  return added.length;
}

/**
 * The servers in an `mcpServers` file; none where there is no file, or the nearest one is not to be trusted.
 * @throws ConfigurationError when it cannot be read
 */
export function listServers(source: NamedServerSource): readonly {
  readonly name: string;
  readonly isDisabled: boolean;
  readonly timeoutMs: number | undefined;
}[] {
  if (source.configFile === undefined) {
    const nearest = findFile(source.directory);
    if (nearest === undefined || distrustOf(nearest, source.directory) !== undefined) return [];
  }
  return Object.entries(readServers(source).servers).map(([name, entry]) => ({
    name,
    isDisabled: isDisabled(entry),
    timeoutMs: timeoutOf(entry),
  }));
}

/** The `mcpServers` file that is read; undefined where there is none. */
export function configFileOf({
  configFile,
  directory,
}: Omit<NamedServerSource, 'environment'>): string | undefined {
  return configFile === undefined ? findFile(directory) : resolve(directory, configFile);
}

/** The file that is read where it was looked for in the folders above and is in none that a person has named. */
export function fileAbove({
  configFile,
  directory,
}: Omit<NamedServerSource, 'environment'>): string | undefined {
  const file = configFile === undefined ? findFile(directory) : undefined;
  return file === undefined || dirname(file) === resolve(directory) ? undefined : file;
}

function readEntry(name: string, source: NamedServerSource) {
  const { file, servers } = readServers(source);
  return { file, servers, entry: Object.hasOwn(servers, name) ? servers[name] : undefined };
}

function readServers({ configFile, directory }: NamedServerSource) {
  const file = configFileOf({ configFile, directory });
  if (file === undefined) {
    throw new ConfigurationError(
      `There is no ${FILE_NAMES.join(' or ')} in ${directory} or above it; name a file with \`configFile\` (--config).`,
    );
  }
  const distrust = configFile === undefined ? distrustOf(file, directory) : undefined;
  if (distrust !== undefined) {
    throw new ConfigurationError(
      `The file ${file}, which was found above ${directory}, is not used: ${distrust}. Name it with \`configFile\` (--config) if you trust it.`,
    );
  }
  return { file, servers: parseConfig(decodeText(readBytes(file)), file).servers };
}

function findFile(directory: string): string | undefined {
  const found = FILE_NAMES.map(name => join(directory, name)).find(existsSync);
  const parent = dirname(directory);
  return found ?? (parent === directory ? undefined : findFile(parent));
}

/**
 * Why a file in a folder above must not be trusted: its commands would run as this user. A user who works in a folder
 * trusts that folder; everybody may be able to write to a folder above it, such as /tmp.
 */
function distrustOf(file: string, directory: string): string | undefined {
  const user = process.getuid?.();
  if (user === undefined || fileAbove({ directory }) === undefined) return undefined;
  const isForeign = [lstatSync(file), statSync(file)].some(({ uid }) => uid !== user && uid !== 0);
  return isForeign ? 'it belongs to another user' : undefined;
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ConfigurationError(`The file ${file} cannot be read: ${unreadableReason(cause)}`, { cause });
  }
}

/** What hosts call the object with the servers; VS Code the second. */
const KEYS = ['mcpServers', 'servers'];

interface Config {
  readonly servers: Readonly<Record<string, unknown>>;
  /** Under which of `KEYS` a server stands. */
  readonly keyOf: (server: string) => string;
}

function parseConfig(text: string, file: string): Config {
  const whole = parseText(text, file);
  const found = KEYS.flatMap(key =>
    isRecord(whole) && isRecord(whole[key]) ? [[key, whole[key]] as const] : [],
  );
  const [first] = found;
  if (first === undefined)
    throw new ConfigurationError(`The file ${file} has no object \`${KEYS.join('` or `')}\`.`);
  const keyOf = (server: string) => (found.find(([, servers]) => Object.hasOwn(servers, server)) ?? first)[0];
  return { keyOf, servers: Object.assign({}, ...found.map(([, servers]) => servers).reverse()) };
}

function parseText(text: string, file: string): unknown {
  try {
    return parseCommentedJson(text);
  } catch (cause) {
    throw new ConfigurationError(`The file ${file} is no JSON: ${(cause as Error).message}.`, { cause });
  }
}

function unknownName(name: string, known: readonly string[], file: string): string {
  const nearest = similarName(name, known);
  const guess = nearest === undefined ? '' : `Did you mean \`${nearest}\`? `;
  const hint = known.length === 0 ? 'The file names no server.' : `${guess}It has: ${known.join(', ')}.`;
  return `There is no server \`${name}\` in ${file}. ${hint}`;
}
