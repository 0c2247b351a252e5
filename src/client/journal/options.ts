import { ConfigurationError } from '../../errors.js';
import { type OptionNames, refuseUnknownOptions } from '../../unknown-option.js';
import type { KnownServer } from './known-server.js';

/** How a client keeps its journal. */
export interface JournalOptions {
  /** The SQLite file. @default `journal.db` in the state folder: `MCP_AWAIT_HOME`, else `mcp-await` in the user's XDG state */
  readonly file?: string | undefined;
  /**
   * Names the server to the journal. Give it when one program wraps clients of several servers that introduce themselves
   * with one name, or calls in the name of several users.
   * @default what the client was connected to, else the name with which the server introduces itself
   */
  readonly server?: string | KnownServer | undefined;
  /** Whether calls fail, unsent, when they cannot be written down; otherwise they go on without the journal. @default true */
  readonly required?: boolean | undefined;
  /** Whether a result counts as delivered only once `task.acknowledge()` says so. @default false */
  readonly acknowledge?: boolean | undefined;
}

const optionNames: OptionNames<JournalOptions> = {
  file: true,
  server: true,
  required: true,
  acknowledge: true,
};

/** @throws ConfigurationError */
export function resolveJournalOptions(
  given: boolean | JournalOptions | undefined,
): JournalOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return {};
  if (typeof given === 'object' && given !== null) {
    refuseUnknownOptions('`journal`', given, optionNames);
    return given;
  }
  throw new ConfigurationError(`Expected \`journal\` to be true, false or an object, got ${String(given)}`);
}

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
