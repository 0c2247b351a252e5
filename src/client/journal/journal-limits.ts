const DAY_MS = 24 * 60 * 60 * 1000;

/** What keeps the file small. */
export const journalLimits = {
  rows: 10_000,
  /** How long a call is kept, from the last that was heard of it. */
  keptMs: 30 * DAY_MS,
  /** How long a call is kept that has no key and whose start was never answered: it cannot be resumed. */
  keptUnansweredMs: DAY_MS,
  /** Largest outcome that is kept, as JSON. */
  outcomeBytes: 1024 * 1024,
  /** Most bytes of outcomes in all; the oldest that were delivered go first. */
  allOutcomesBytes: 64 * 1024 * 1024,
  /** Tools whose durations are remembered, each with 3 kB at the most. */
  durations: 1000,
  /** Pairs of tools that have proved themselves. */
  proofs: 500,
  messageCharacters: 500,
  keyCharacters: 200,
  /** How long a process that starts a call is taken to live without having said so again. */
  claimMs: 15_000,
  /** Calls between two cleanings by one process. */
  callsBetweenCleanings: 500,
} as const;
