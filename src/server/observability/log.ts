/** From what an operator must see to what only helps to find a fault. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** One line of the log. Holds no parameters, results, keys or tokens. */
export interface LogEntry {
  readonly level: LogLevel;
  /** The same words for the same event; what differs is in the fields. */
  readonly message: string;
  readonly fields: LogFields;
}

export type LogFields = Readonly<Record<string, string | number | boolean>>;

type Write = (message: string, fields?: LogFields) => void;

/** Where the parts of a server tell what happens. */
export type Log = Readonly<Record<LogLevel, Write>>;

/** Hands entries up to a level on; drops the others. */
export function createLog(most: LogLevel, onLog: ((entry: LogEntry) => void) | undefined): Log {
  const writer = (level: LogLevel): Write => {
    if (onLog === undefined || !includesLevel(most, level)) return () => {};
    return (message, fields = {}) => {
      try {
        onLog({ level, message, fields });
      } catch {
        // No task fails because the log of it does.
      }
    };
  };
  return { error: writer('error'), warn: writer('warn'), info: writer('info'), debug: writer('debug') };
}

/** Whether a log that goes up to `most` has entries of this level. */
export function includesLevel(most: LogLevel, level: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(most);
}
