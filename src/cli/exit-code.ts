import { ConfigurationError } from '../errors.js';
import type { TaskStatus } from '../types.js';

/** What the shell is told. */
export const ExitCode = {
  completed: 0,
  failed: 1,
  usage: 2,
  gaveUp: 3,
  cancelled: 4,
  unreachable: 5,
  /** What was to be printed could not be written, as on a full disk. */
  unprinted: 6,
  interrupted: 130,
  /** As shells report SIGPIPE. */
  brokenPipe: 141,
} as const;

/** The command line is wrong; the message says how. */
export class UsageError extends ConfigurationError {}

export function exitCodeOfStatus(status: TaskStatus): number {
  switch (status) {
    case 'completed':
      return ExitCode.completed;
    case 'failed':
      return ExitCode.failed;
    case 'cancelled':
      return ExitCode.cancelled;
    case 'working':
    case 'input_required':
      return ExitCode.gaveUp;
  }
}
