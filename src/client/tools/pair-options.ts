import { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import {
  type Pair,
  type PairProfile,
  pairProfileSchema,
  statusWordsSchema,
} from '../../protocols/pair/profile.js';
import { builtInPairs, namedPairs } from '../../protocols/pairs/index.js';
import { similarName } from '../../similar-name.js';
import type { OptionNames } from '../../unknown-option.js';
import { pairsOfServer } from '../connect/mcp-config.js';
import { checkOption } from '../option-check.js';

export type { PairProfile } from '../../protocols/pair/profile.js';

/** How a client knows start/status pairs of tools. */
export interface PairOptions {
  /**
   * Start/status pairs of the server's tools, as profiles or by the names of those that are built in (docs/start-status-pairs.md).
   * They come before what is built in or found. @default []
   */
  readonly pairs?: readonly (PairProfile | string)[] | undefined;
  /** Whether pairs that no profile tells of are looked for, and used where the evidence is strong. @default true */
  readonly detect?: boolean | undefined;
  /** Whether the actions of one tool, which an argument chooses, may be such a pair, too. @default true */
  readonly detectActions?: boolean | undefined;
  /**
   * What status words of the server mean, such as `{ ready: 'completed' }`: of all its pairs, also of those that are found.
   * @default {}
   */
  readonly words?: PairProfile['words'] | undefined;
  /** Whether `listTools` also shows the status, cancel and result tools of pairs. @default false */
  readonly showPairTools?: boolean | undefined;
}

export const pairOptionNames: OptionNames<PairOptions> = {
  pairs: true,
  detect: true,
  detectActions: true,
  words: true,
  showPairTools: true,
};

export interface ResolvedPairOptions {
  readonly pairs: readonly Pair[];
  readonly words: Pair['words'] | undefined;
  readonly detect: boolean;
  readonly detectActions: boolean;
  readonly showPairTools: boolean;
}

/** @throws ConfigurationError that names the profile and the field */
export function resolvePairOptions({
  pairs = [],
  words,
  detect = true,
  detectActions = true,
  showPairTools = false,
}: PairOptions): ResolvedPairOptions {
  checkOption('detect', detect, 'true or false');
  checkOption('detectActions', detectActions, 'true or false');
  checkOption('showPairTools', showPairTools, 'true or false');
  return {
    pairs: parsePairs(pairs, '`pairs`'),
    words: words === undefined ? undefined : parseWords(words),
    detect,
    detectActions,
    showPairTools,
  };
}

/** @param where names the source in errors @throws ConfigurationError */
export function parsePairs(pairs: unknown, where: string): readonly Pair[] {
  if (!Array.isArray(pairs))
    throw new ConfigurationError(`Expected ${where} to be a list of profiles and names of profiles`);
  return pairs.map((pair, index) =>
    typeof pair === 'string' ? pairOfName(pair, where) : parsePair(pair, `${where}, entry ${index + 1}`),
  );
}

function parsePair(value: unknown, where: string): Pair {
  const parsed = pairProfileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const name = (value as { name?: unknown } | null)?.name;
  const told = typeof name === 'string' ? ` (profile \`${name.slice(0, 100)}\`)` : '';
  throw new ConfigurationError(
    `${where}${told} is no profile of a pair: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}. docs/start-status-pairs.md has every field.`,
  );
}

function parseWords(words: unknown): Pair['words'] {
  const { data, error } = statusWordsSchema.safeParse(words);
  if (data !== undefined) return data;
  throw new ConfigurationError(
    `Expected \`words\` to give statuses by words: ${z.prettifyError(error).replaceAll('\n', ' ')}`,
  );
}

function pairOfName(name: string, where: string): Pair {
  const known = [...builtInPairs, ...namedPairs];
  const found = known.find(pair => pair.name === name);
  if (found !== undefined) return found;
  const names = known.map(pair => pair.name);
  const nearest = similarName(name, names);
  const guess = nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`;
  throw new ConfigurationError(
    `${where} names the profile \`${name}\`, which is not built in.${guess} There are: ${names.join(', ')}.`,
  );
}

/** The pairs that options and the file of a named server tell of; those of the options come first. @throws ConfigurationError */
export function pairsFor(
  target: unknown,
  options: PairOptions & { readonly configFile?: string | undefined },
): readonly (PairProfile | string)[] {
  const given = options.pairs ?? [];
  if (typeof target !== 'string' || /^https?:\/\//i.test(target)) return given;
  const source = { configFile: options.configFile, directory: process.cwd(), environment: process.env };
  const { pairs, where } = pairsOfServer(target, source);
  return [...given, ...parsePairs(pairs, where)];
}
