import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, parse } from 'node:path';

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
