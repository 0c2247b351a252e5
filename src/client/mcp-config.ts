import { existsSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { closestMatch } from 'leven';
import { z } from 'zod';
import { ConfigurationError } from '../errors.js';
import { connectionShape } from './connection-options.js';
import type { ServerTarget } from './transport.js';

const FILE_NAMES = ['.mcp.json', 'mcp.json'];

const strings = z.record(z.string(), z.string());
const serverSchema = z.union([
  z.object({
    command: z.string().min(1),
    args: z.array(z.string()).optional(),
    env: strings.optional(),
    cwd: z.string().optional(),
    ...connectionShape,
  }),
  z.object({ url: z.string().min(1), headers: strings.optional(), ...connectionShape }),
]);
const configSchema = z.object({ mcpServers: z.record(z.string(), z.unknown()) });

export interface NamedServerSource {
  /** Path of the file to read; without it the nearest `.mcp.json` or `mcp.json`, from `directory` upwards. */
  readonly configFile?: string | undefined;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The server that a name stands for in an `mcpServers` file as MCP hosts use it. `${NAME}` and `${NAME:-default}` in
 * its strings are taken from the environment.
 * @throws ConfigurationError when the file, the name or a variable is missing, or an entry makes no sense
 */
export function namedServer(name: string, source: NamedServerSource): ServerTarget {
  const { file, servers } = readServers(source);
  const entry = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (entry === undefined) throw new ConfigurationError(unknownName(name, Object.keys(servers), file));
  const parsed = serverSchema.safeParse(entry);
  if (!parsed.success) {
    throw new ConfigurationError(
      `The server \`${name}\` in ${file} needs either a \`command\` or a \`url\`, with texts as values.`,
    );
  }
  const fill = (text: string) => fillVariables(text, source.environment, `server \`${name}\` in ${file}`);
  return mapStrings(parsed.data, fill) as ServerTarget;
}

/** What the file says of the server's pairs of tools, as it stands there. @throws ConfigurationError as `namedServer` */
export function pairsOfServer(
  name: string,
  source: NamedServerSource,
): { readonly pairs: unknown; readonly where: string } {
  const { file, servers } = readServers(source);
  const entry = Object.hasOwn(servers, name) ? servers[name] : undefined;
  const pairs = (entry as { readonly pairs?: unknown } | undefined)?.pairs;
  return { pairs: pairs ?? [], where: `\`pairs\` of the server \`${name}\` in ${file}` };
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
  const text = readText(file);
  parseConfig(text, file);
  const whole = JSON.parse(text) as { mcpServers: Record<string, { pairs?: unknown[] }> };
  const entry = Object.hasOwn(whole.mcpServers, server) ? whole.mcpServers[server] : undefined;
  if (entry === undefined)
    throw new ConfigurationError(unknownName(server, Object.keys(whole.mcpServers), file));
  const known = Array.isArray(entry.pairs) ? entry.pairs : [];
  const names = new Set(
    known.map(pair => (typeof pair === 'string' ? pair : (pair as { name?: unknown } | null)?.name)),
  );
  const added = profiles.filter(({ name }) => !names.has(name));
  entry.pairs = [...known, ...added];
  // Whole or not at all: other programs read it.
  const target = realpathSync(file);
  const next = `${target}.${process.pid}.new`;
  writeFileSync(next, `${JSON.stringify(whole, null, 2)}\n`, { mode: statSync(target).mode });
  renameSync(next, target);
  return added.length;
}

/** The names in an `mcpServers` file; none where there is no file. @throws ConfigurationError when it cannot be read */
export function serverNames(source: NamedServerSource): readonly string[] {
  if (source.configFile === undefined && findFile(source.directory) === undefined) return [];
  return Object.keys(readServers(source).servers);
}

/** The `mcpServers` file that is read; undefined where there is none. */
export function configFileOf({
  configFile,
  directory,
}: Omit<NamedServerSource, 'environment'>): string | undefined {
  return configFile === undefined ? findFile(directory) : resolve(directory, configFile);
}

function readServers({ configFile, directory }: NamedServerSource) {
  const file = configFileOf({ configFile, directory });
  if (file === undefined) {
    throw new ConfigurationError(
      `There is no ${FILE_NAMES.join(' or ')} in ${directory} or above it; name a file with \`configFile\` (--config).`,
    );
  }
  return { file, servers: parseConfig(readText(file), file).mcpServers };
}

function findFile(directory: string): string | undefined {
  const found = FILE_NAMES.map(name => join(directory, name)).find(existsSync);
  const parent = dirname(directory);
  return found ?? (parent === directory ? undefined : findFile(parent));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`The file ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function parseConfig(text: string, file: string) {
  try {
    return configSchema.parse(JSON.parse(text));
  } catch (cause) {
    const problem =
      cause instanceof SyntaxError ? `is no JSON: ${cause.message}` : 'has no object `mcpServers`';
    throw new ConfigurationError(`The file ${file} ${problem}`, { cause });
  }
}

function unknownName(name: string, known: readonly string[], file: string): string {
  const nearest = closestMatch(name, [...known]);
  const hint =
    nearest === undefined
      ? 'The file names no server.'
      : `Did you mean \`${nearest}\`? It has: ${known.join(', ')}.`;
  return `There is no server \`${name}\` in ${file}. ${hint}`;
}

function fillVariables(text: string, environment: NamedServerSource['environment'], where: string): string {
  return text.replace(
    /\$\{(\w+)(?::-([^}]*))?\}/g,
    (_match, variable: string, fallback: string | undefined) => {
      const value = environment[variable] ?? fallback;
      if (value === undefined) {
        throw new ConfigurationError(
          `The environment variable ${variable}, which ${where} asks for, is not set.`,
        );
      }
      return value;
    },
  );
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map(item => mapStrings(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]));
}
