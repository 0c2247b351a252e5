import type { JournalRecord } from './journal-record.js';

/**
 * What to do about a call whose key the journal knows:
 * - `resume`: wait for its task;
 * - `answer`: hand out the outcome that is kept;
 * - `start`: send it (again);
 * - `wait`: another process is just starting it, look again soon;
 * - `unknown`: it may have run, and nobody can tell.
 */
export type Decision = 'resume' | 'answer' | 'start' | 'wait' | 'unknown';

export interface DecisionFacts {
  readonly now: number;
  /** Whether the same start may be sent twice without harm. */
  readonly repeatable: boolean;
}

export function decide(record: JournalRecord, { now, repeatable }: DecisionFacts): Decision {
  const { state, outcome, reference } = record;
  // Of a damaged record, even a task that runs may have no reference.
  switch (state) {
    case 'starting':
      if (repeatable) return 'start';
      return record.claimUntil > now ? 'wait' : 'unknown';
    case 'running':
    case 'ended':
    case 'delivered':
      if (outcome === undefined) return reference !== undefined ? 'resume' : repeatable ? 'start' : 'unknown';
      // A refused start: once its caller has heard of it, the same key may be tried again.
      if (state === 'delivered' && outcome.status !== 'completed' && reference === undefined) return 'start';
      return 'answer';
    default:
      // Written by another version.
      return 'unknown';
  }
}
