import { LOCK_PATIENCE_MS } from './file-lock.js';

/**
 * Why the database or the file system refused, and what to do about it.
 * @param elsewhere how to use another file, such as "name another file with --store"
 */
export function reasonOf(cause: unknown, elsewhere: string): string {
  const { code, message } = cause as { code?: string; message: string };
  // An I/O error has many extended codes (SQLITE_IOERR_WRITE …), which mean the same to a person.
  switch (code?.replace(/^SQLITE_IOERR.*/, 'SQLITE_IOERR')) {
    case 'SQLITE_NOTADB':
      return `it is not an SQLite database. Move it away, or ${elsewhere}.`;
    case 'SQLITE_CORRUPT':
      return `the database is damaged. Move it away, or ${elsewhere}.`;
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `it may not be written (${code}). Check its permissions, or ${elsewhere}.`;
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return `a file stands where a folder is needed, or the other way round (${code}). Move it away, or ${elsewhere}.`;
    case 'SQLITE_FULL':
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk is full. Free some space, or ${elsewhere}.`;
    case 'SQLITE_BUSY':
      return `another process has held its lock for over ${LOCK_PATIENCE_MS / 1000} s. Try again, or end that process.`;
    case 'SQLITE_IOERR':
      return `the disk refused to read or write; it may be full or failing. Look at it, or ${elsewhere}.`;
    default:
      return `${message}. Check the file, or ${elsewhere}.`;
  }
}
