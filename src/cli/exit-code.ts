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

const BY_STATUS: Readonly<Record<TaskStatus, number>> = {
  completed: ExitCode.completed,
  failed: ExitCode.failed,
  cancelled: ExitCode.cancelled,
  working: ExitCode.gaveUp,
  input_required: ExitCode.gaveUp,
};

export function exitCodeOfStatus(status: TaskStatus): number {
  return BY_STATUS[status];
}
