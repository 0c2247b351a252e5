import { mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, parse } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where this user's tasks live: `MCP_AWAIT_HOME`, else a folder in the user's state (XDG Base Directory Specification
 * 0.8, by which a relative `XDG_STATE_HOME` is none).
 */
export function stateFolder(environment: Environment, home?: string): string {
  const { MCP_AWAIT_HOME: own, XDG_STATE_HOME: state } = environment;
  if (own) return own;
  return join(
    state && isAbsolute(state) ? state : join(home ?? homeFolder(), '.local', 'state'),
    'mcp-await',
  );
}

/** A user whom the system does not know has none: what is made below the root then tells why it cannot be. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return parse(process.cwd()).root;
  }
}

/** The store that is used when none is named. */
export function defaultStoreUrl(environment: Environment, home?: string): string {
  return `sqlite:${join(stateFolder(environment, home), 'tasks.db')}`;
}

/** False where it cannot be told, as in a folder that may not be read: opening the file then says why. */
export function isMissing(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/**
 * Makes a folder and those above it that are missing, for this user only. Level by level: where no folder can be made at
 * all, as below /proc, `mkdir` with `recursive` of Node 20 never returns.
 * @param folder an absolute path
 * @throws the file system's error
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let level = folder; !isFolder(level); level = dirname(level)) missing.push(level);
  for (const level of missing.reverse()) makeOne(level);
}

/** @throws when a file stands there, or the folder cannot be looked at */
function isFolder(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isDirectory())
    throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: 'ENOTDIR' });
  return stats !== undefined;
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    // Another process may make the same folder.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(path)) throw error;
  }
}
