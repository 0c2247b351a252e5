import type { LogEntry } from '../server/index.js';
import type { CommandIo } from './io.js';

/** Writes the log of a server or worker on standard error, an entry a line: time, level, message, fields. */
export function logLines(io: CommandIo, now: () => Date = () => new Date()): (entry: LogEntry) => void {
  return ({ level, message, fields }) => {
    const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${shown(value)}`);
    io.stderr.write(`${now().toISOString()} ${level} ${message}${pairs.join('')}\n`);
  };
}

/** Quoted where it could be taken for more than one field, or for a line of its own. */
function shown(value: string | number | boolean): string {
  const text = String(value);
  return /^[\w.:/*@-]+$/.test(text) ? text : JSON.stringify(text);
}
