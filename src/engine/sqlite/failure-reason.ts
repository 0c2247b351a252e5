/** How long a statement waits for another process's lock. */
export const BUSY_TIMEOUT_MS = 5000;

/** Why the database or the file system refused, and what to do about it. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as { code?: string; message: string };
  switch (code) {
    case 'SQLITE_NOTADB':
    case 'SQLITE_CORRUPT':
      return 'it is no intact SQLite database. Move it away, or name another with --store.';
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
    case 'EACCES':
    case 'EROFS':
      return `it may not be written (${code}). Check its permissions, or name another with --store or MCP_AWAIT_HOME.`;
    case 'SQLITE_FULL':
    case 'ENOSPC':
      return 'the disk is full. Free some space, or name another disk with --store or MCP_AWAIT_HOME.';
    case 'SQLITE_BUSY':
      return `another process has held its lock for over ${BUSY_TIMEOUT_MS / 1000} s. Try again, or end that process.`;
    default:
      return `${message}. Name another with --store or MCP_AWAIT_HOME.`;
  }
}
