import { VERSION } from '../version.js';
import { asStarted } from './command-name.js';
import { ExitCode } from './exit-code.js';
import { HELP } from './help-text.js';
import type { CommandIo } from './io.js';

type Command = () => Promise<number>;

/** What is done at once, for the most part: it has a plain line. */
export const PLAIN_VERBS: readonly string[] = ['--help', '-h', '--version', '-V', 'list', 'status'];

/** What these verbs take in a plain line; any other line of theirs is for the parser. */
export const PLAIN_FLAGS = { list: ['all', 'refresh', 'json'], status: ['json'] } as const;

/** Columns that the help was made for. */
const HELP_COLUMNS = 80;

/**
 * What a command line does that is plain without a parser, which takes longer to load than these lines take to run;
 * undefined for all others.
 */
export function plainCommand(words: readonly string[], io: CommandIo): Command | undefined {
  const [verb = '', ...rest] = words;
  const print = (text: string) => async () => {
    io.stdout.write(asStarted(text, io));
    return ExitCode.completed;
  };
  switch (verb) {
    case '--help':
    case '-h':
      return rest.length > 0 || (io.stdout.columns ?? HELP_COLUMNS) < HELP_COLUMNS ? undefined : print(HELP);
    case '--version':
    case '-V':
      return rest.length > 0 ? undefined : print(`${VERSION}\n`);
    case 'list': {
      const flags = plainFlags(rest, PLAIN_FLAGS.list);
      return flags && (async () => (await import('./list.js')).list(flags, io));
    }
    case 'status': {
      const [reference = '-', ...others] = rest;
      const flags = reference.startsWith('-') ? undefined : plainFlags(others, PLAIN_FLAGS.status);
      return flags && (async () => (await import('./status.js')).status(reference, flags, [], io));
    }
    default:
      return undefined;
  }
}

function plainFlags(
  words: readonly string[],
  names: readonly string[],
): Readonly<Record<string, true>> | undefined {
  const given = words.map(word => names.find(name => word === `--${name}`));
  return given.every(name => name !== undefined)
    ? Object.fromEntries(given.map(name => [name, true]))
    : undefined;
}
