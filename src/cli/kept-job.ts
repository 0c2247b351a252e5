import type { JournalRecord } from '../client/journal/journal-record.js';
import type { Outcome, TaskStatus } from '../types.js';
import type { ReportedTask } from './report.js';

/** A job of the journal that has ended, as reports tell it. */
export function endedTask({ tool, protocol, reference }: JournalRecord, outcome: Outcome): ReportedTask {
  const { status } = outcome;
  const message = outcome.status === 'completed' ? undefined : outcome.error.message;
  return {
    tool,
    protocol,
    reference,
    snapshot: {
      status,
      ...(message !== undefined && { message }),
      attempt: 0,
      elapsedMs: 0,
      raw: undefined,
    },
  };
}

/** A job that another process waits for, as the journal knows it. */
export function heldTask(
  { tool, protocol, reference, message }: JournalRecord,
  status: TaskStatus,
): ReportedTask {
  const snapshot = {
    status,
    ...(message !== undefined && { message }),
    attempt: 0,
    elapsedMs: 0,
    raw: undefined,
  };
  return { tool, protocol, reference, snapshot };
}
