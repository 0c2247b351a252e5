import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { singular, WORK_NOUNS } from '../lexicon/nouns.js';
import { wordsOf } from '../pair/usual-places.js';
import { cancelFor, type StatusCall, statusCalls } from './handle-argument.js';
import { argumentDescription, factsOf, isWorkHandle, type ToolFacts } from './tool-facts.js';
import { isMachineWork, vetoesOf } from './vetoes.js';

/** Two tools that may be a pair, and why. */
export interface Proposal {
  readonly start: string;
  readonly status: string;
  /** The status tool's argument for the handle. */
  readonly argument: string;
  /** Whether only a value under that very key will do. */
  readonly isExactOnly: boolean;
  /** Arguments that both tools need: they are handed on. */
  readonly copied: readonly string[];
  readonly cancel: string | undefined;
  readonly score: number;
  /** Words that the two names share: which of two equals is meant. */
  readonly likeness: number;
  readonly reasons: readonly string[];
  /** What keeps it from being used by itself. */
  readonly vetoes: readonly string[];
  /** Whether one tool names the other. */
  readonly isNamed: boolean;
  readonly isNamedAfterState: boolean;
  /** Whether the start tool is named after what is answered at once. */
  readonly looksUp: boolean;
  /** Whether the names and descriptions say that a machine works. */
  readonly isWork: boolean;
  /** Whether those who read the descriptions would take them for a pair. */
  readonly isStrong: boolean;
}

const LEAST_SCORE = 4;
const STRONG_SCORE = 9;
/** Of one start tool. */
const MOST_CANDIDATES = 5;

/** Proposes for each tool the one that tells the state of what it starts, the best first. Pure. */
export function proposePairs(tools: readonly Tool[]): readonly Proposal[] {
  return [...proposalsByStart(tools).values()]
    .flatMap(([best]) => best ?? [])
    .sort((a, b) => b.score - a.score);
}

/** All that may be, for each start tool, the best first. */
export function proposalsByStart(tools: readonly Tool[]): ReadonlyMap<string, readonly Proposal[]> {
  const facts = factsOf(tools);
  const asked = facts.filter(({ onlyLooks, needed }) => onlyLooks && needed.length > 0);
  const found = facts
    .filter(({ mayStart }) => mayStart)
    .map((start): [string, readonly Proposal[]] => [start.tool.name, candidatesFor(start, asked, facts)]);
  return new Map(found.filter(([, proposals]) => proposals.length > 0));
}

function candidatesFor(
  start: ToolFacts,
  asked: readonly ToolFacts[],
  facts: readonly ToolFacts[],
): readonly Proposal[] {
  const proposals = asked
    .filter(status => status !== start)
    .flatMap(status =>
      statusCalls(start, status).flatMap(call => propose({ start, status, call, facts }) ?? []),
    )
    .sort(byEvidence)
    .slice(0, MOST_CANDIDATES);
  const [best, second] = proposals;
  if (best === undefined || second === undefined || second.status === best.status || isBetter(best, second))
    return proposals;
  const doubted = {
    ...best,
    isStrong: false,
    reasons: [...best.reasons, `\`${second.status}\` would do as well`],
  };
  return [doubted, ...proposals.slice(1)];
}

export function byEvidence(a: Proposal, b: Proposal): number {
  return a.vetoes.length - b.vetoes.length || b.score - a.score || b.likeness - a.likeness;
}

export function isBetter(best: Proposal, second: Proposal): boolean {
  return byEvidence(best, second) < 0;
}

interface Proposing {
  readonly start: ToolFacts;
  readonly status: ToolFacts;
  readonly call: StatusCall;
  readonly facts: readonly ToolFacts[];
}

function propose({ start, status, call, facts }: Proposing): Proposal | undefined {
  const { argument, isId, isExactOnly, copied } = call;
  const namings_ = namings(start, status);
  const isNamed = namings_.length > 0;
  const shared = start.nouns.filter(noun => status.nouns.includes(noun));
  const handleNouns = wordsOf(argument).slice(0, -1).map(singular);
  const described = argumentDescription(status.tool.inputSchema.properties?.[argument])
    .slice(0, 500)
    .toLowerCase();
  const isAbout = handleNouns.some(noun => start.words.includes(noun) || start.nouns.includes(noun));
  const isFrom = start.nouns.some(noun => noun.length > 3 && described.includes(noun));
  const isMentioned =
    (!isAbout && handleNouns.some(noun => start.description.includes(noun))) ||
    status.nouns.some(noun => WORK_NOUNS.has(noun) && start.mentions.has(noun));
  const isWorkId = isWorkHandle(argument);
  const isWork = isMachineWork(start);
  const links =
    isNamed || shared.length > 0 || isAbout || isMentioned || isFrom || (isWorkId && status.tellsState);
  // `get_workflow` of what `submit_workflow` submits
  const isOfWork = isWork && shared.some(noun => WORK_NOUNS.has(noun));
  if (!links || !(status.tellsState || status.speaksOfState || isWorkId || isNamed || isOfWork))
    return undefined;
  const has = (...words: string[]) => words.some(word => status.words.includes(word));
  const isNamedAfterState = has('status', 'state', 'progress', 'poll', 'check');
  const evidence: readonly (readonly [boolean, number, string])[] = [
    [isNamed, 4, namings_.join(', ')],
    [namings_.length > 1, 1, 'each speaks of the other'],
    [shared.length > 0, 2, `both are about \`${shared.join(' ')}\``],
    [isAbout, 1, `\`${argument}\` is named after \`${start.tool.name}\``],
    [isFrom, 1, `\`${argument}\` is said to be of what \`${start.tool.name}\` is about`],
    [
      has('status', 'state', 'progress', 'poll', 'check'),
      2,
      `\`${status.tool.name}\` is named after a state`,
    ],
    [has('result', 'results'), 1, `\`${status.tool.name}\` is named after a result`],
    [status.speaksOfState, 1, 'its description speaks of a state'],
    [isWorkId, 1, `\`${argument}\` is a handle of work`],
    [isMentioned, 1, `\`${start.tool.name}\` speaks of what \`${argument}\` is for`],
    [isWork, 2, `\`${start.tool.name}\` is work for a machine`],
    [start.worksLater, 1, `\`${start.tool.name}\` says that its work goes on after the answer`],
    [status.tool.annotations?.readOnlyHint === true, 1, 'marked as read-only'],
    [start.tool.annotations?.readOnlyHint === true, -2, `\`${start.tool.name}\` is marked as read-only`],
    [!isId, -1, `\`${argument}\` is no id`],
    [has('list', 'search', 'find', 'browse'), -3, `\`${status.tool.name}\` lists or searches`],
    [has('wait', 'await'), -3, `\`${status.tool.name}\` waits itself`],
    [
      has('log', 'logs', 'tail', 'artifacts', 'artifact', 'download', 'metrics'),
      -4,
      'it is for something else than a state',
    ],
  ];
  const held = evidence.filter(([holds]) => holds);
  const score = held.reduce((sum, [, points]) => sum + points, 0);
  if (score < LEAST_SCORE) return undefined;
  const vetoes = vetoesOf({ start, status, handleNouns, isNamed, facts });
  // Somebody who reads the descriptions would take them for a pair.
  const isSaid = isNamed && (start.worksLater || status.tellsState);
  const isLikely = score >= STRONG_SCORE && start.worksLater && status.tellsState;
  return {
    start: start.tool.name,
    status: status.tool.name,
    argument,
    isExactOnly,
    copied,
    cancel: cancelFor(argument, shared, facts),
    score,
    likeness: start.words.filter(word => status.words.includes(word)).length,
    reasons: [...held.map(([, , reason]) => reason), ...vetoes.map(reason => `but ${reason}`)],
    vetoes,
    isNamed,
    isNamedAfterState,
    looksUp: start.looksUp,
    isWork,
    isStrong: vetoes.length === 0 && isId && !start.looksUp && (isSaid || isLikely),
  };
}

/** Where one tool names the other. */
function namings(start: ToolFacts, status: ToolFacts): readonly string[] {
  return [
    ...(names(start.mentions, status.tool.name)
      ? [`\`${start.tool.name}\` names \`${status.tool.name}\``]
      : []),
    ...(names(status.mentions, start.tool.name)
      ? [`\`${status.tool.name}\` names \`${start.tool.name}\``]
      : []),
  ];
}

/** Whether a name that is no ordinary word is among the words of a text, in lower case. */
export function names(mentions: ReadonlySet<string>, tool: string): boolean {
  return /[_-]|[a-z][A-Z]/.test(tool) && mentions.has(tool.toLowerCase());
}
