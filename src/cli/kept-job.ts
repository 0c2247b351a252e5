import type { JournalRecord } from '../client/journal/journal-record.js';
import type { Outcome } from '../types.js';
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
