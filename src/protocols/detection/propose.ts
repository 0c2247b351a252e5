import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { LOOKING_ACTIONS } from '../lexicon.js';
import { completePair } from '../pair/complete-pair.js';
import { type Pair, pairProfileSchema } from '../pair/profile.js';
import { wordsOf } from '../pair/usual-places.js';
import { isRecord } from '../tool-result.js';
import { type Held, vetoesIn, weigh } from './evidence.js';
import { cancelFor, statusCalls } from './handle-argument.js';
import {
  isNamedAfterState,
  isThinkable,
  PROPOSAL_EVIDENCE,
  type Proposing,
  pairFacts,
} from './proposal-evidence.js';
import { type Action, factsOf, factsOfTool, type ToolFacts } from './tool-facts.js';
import { PROPOSAL_VETOES } from './vetoes.js';

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
  readonly cancel: { readonly tool: string; readonly action?: Action | undefined } | undefined;
  /** The action of the start tool, where only calls of that action are meant. */
  readonly when: Action | undefined;
  /** The action of the status tool that only looks, where it has several. */
  readonly action: Action | undefined;
  readonly score: number;
  /** The number of words that both names share, which decides between equal scores. */
  readonly likeness: number;
  readonly evidence: readonly Held[];
  /** What keeps it from being used by itself. */
  readonly vetoes: readonly Held[];
  /** Whether one tool names the other. */
  readonly isNamed: boolean;
  readonly isNamedAfterState: boolean;
  /** Whether the start tool is named after what is answered at once. */
  readonly looksUp: boolean;
  /** Whether the names and descriptions say that a machine works. */
  readonly isWork: boolean;
  /** Whether a person who reads the descriptions would take them for a pair. */
  readonly isStrong: boolean;
}

/** From this on two tools are proposed. */
export const MIN_SCORE = 4;
/** From this on they are strong, where descriptions and names agree. */
export const STRONG_SCORE = 9;
/** Of one start tool. */
const MAX_CANDIDATES = 5;
/** Comparisons grow with the square of their number. */
const MAX_FACTS = 1500;

/** Proposes for each tool the one that tells the state of what it starts, the best first. Pure. */
export function proposePairs(tools: readonly Tool[]): readonly Proposal[] {
  return [...proposalsByStart(tools).values()]
    .flatMap(([best]) => best ?? [])
    .sort((a, b) => b.score - a.score);
}

/** All that may be, for each start tool, the best first. */
export function proposalsByStart(
  tools: readonly Tool[],
  { actions = true }: ProposalOptions = {},
): ReadonlyMap<string, readonly Proposal[]> {
  const whole = factsOf(tools);
  const facts = [...whole, ...actionsOf(whole)].slice(0, MAX_FACTS);
  const considered = actions ? facts : whole;
  const asked = considered.filter(({ onlyLooks, needed }) => onlyLooks && needed.length > 0);
  const found = new Map<string, readonly Proposal[]>();
  for (const start of considered.filter(({ mayStart }) => mayStart)) {
    const { name } = start.tool;
    const proposals = [...(found.get(name) ?? []), ...candidatesFor(start, asked, facts)];
    if (proposals.length > 0) found.set(name, proposals.toSorted(byEvidence));
  }
  return found;
}

export interface ProposalOptions {
  /** Whether the actions of one tool may be a start and a status. @default true */
  readonly actions?: boolean | undefined;
}

function candidatesFor(
  start: ToolFacts,
  asked: readonly ToolFacts[],
  facts: readonly ToolFacts[],
): readonly Proposal[] {
  const proposals = asked
    .filter(status => isOther(status, start))
    .flatMap(status =>
      statusCalls(start, status).flatMap(call => propose({ start, status, call, facts }) ?? []),
    )
    .sort(byEvidence)
    .slice(0, MAX_CANDIDATES);
  const [best, second] = proposals;
  if (best === undefined || second === undefined || second.status === best.status || isBetter(best, second))
    return proposals;
  const doubted = {
    ...best,
    isStrong: false,
    evidence: [...best.evidence, { name: 'rival', points: 0, says: `\`${second.status}\` would do as well` }],
  };
  return [doubted, ...proposals.slice(1)];
}

/** An action of a tool comes after all that are tools of their own. */
export function byEvidence(a: Proposal, b: Proposal): number {
  return (
    a.vetoes.length - b.vetoes.length ||
    Number(isOfAction(a)) - Number(isOfAction(b)) ||
    b.score - a.score ||
    b.likeness - a.likeness
  );
}

export function isOfAction({ when, action }: Proposal): boolean {
  return when !== undefined || action !== undefined;
}

/** Two actions of one tool may be a pair, but no tool with an action of its own. */
function isOther(status: ToolFacts, start: ToolFacts): boolean {
  if (status.tool.name !== start.tool.name) return true;
  return start.action !== undefined && status.action !== undefined && start.action !== status.action;
}

export function isBetter(best: Proposal, second: Proposal): boolean {
  return byEvidence(best, second) < 0;
}

function propose(proposing: Proposing): Proposal | undefined {
  const { start, status, call, facts } = proposing;
  const known = pairFacts(proposing);
  if (!isThinkable(known)) return undefined;
  const { score, held } = weigh(PROPOSAL_EVIDENCE, known);
  if (score < MIN_SCORE) return undefined;
  const vetoes = vetoesIn(PROPOSAL_VETOES, known);
  const { isNamed, sharedNouns } = known;
  const { argument, isId, isExactOnly, copied } = call;
  // Somebody who reads the descriptions would take them for a pair.
  const isSaid = isNamed && (start.worksLater || status.tellsState);
  // A noun that is only made of the start's verb is a guess.
  const isGuess = sharedNouns.length === 0 && known.nounsOfVerb.length > 0;
  const isLikely = score >= STRONG_SCORE && start.worksLater && status.tellsState && !isGuess;
  const isAction = start.action !== undefined || status.action !== undefined;
  const cancel = cancelFor(argument, sharedNouns, facts);
  return {
    start: start.tool.name,
    status: status.tool.name,
    argument,
    isExactOnly,
    copied,
    cancel: cancel && { tool: cancel.tool.name, action: cancel.action },
    when: start.action,
    action: status.action,
    score,
    likeness: start.words.filter(word => status.words.includes(word)).length,
    evidence: held,
    vetoes,
    isNamed,
    isNamedAfterState: isNamedAfterState(known),
    looksUp: start.looksUp,
    isWork: known.isWork,
    isStrong: vetoes.length === 0 && isId && !isAction && !start.looksUp && (isSaid || isLikely),
  };
}

const ACTION_ARGUMENTS = new Set(['action', 'operation', 'op', 'command', 'subcommand']);
const MAX_ACTIONS = 40;

/**
 * What names tell of each action of the tools that have several, as if it were a tool of its own. Descriptions do not
 * count: they speak of all actions at once.
 */
function actionsOf(facts: readonly ToolFacts[]): readonly ToolFacts[] {
  return facts.flatMap(({ tool, words }) =>
    actionsOfTool(tool).map(action => factsOfAction(tool, action, words)),
  );
}

function actionsOfTool({ inputSchema }: Tool): readonly Action[] {
  const { properties = {}, required = [] } = inputSchema;
  const [argument, second] = Object.keys(properties).filter(name => ACTION_ARGUMENTS.has(name));
  const schema = properties[argument ?? ''];
  if (argument === undefined || second !== undefined || !required.includes(argument)) return [];
  const values = isRecord(schema) && Array.isArray(schema.enum) ? schema.enum : [];
  const isText = (value: unknown): value is string => typeof value === 'string';
  return values
    .filter(isText)
    .slice(0, MAX_ACTIONS)
    .map(value => ({ argument, value }));
}

function factsOfAction(tool: Tool, action: Action, words: readonly string[]): ToolFacts {
  const { properties = {}, required = [] } = tool.inputSchema;
  const others = Object.entries(properties).filter(([name]) => name !== action.argument);
  const alone: Tool = {
    name: tool.name,
    inputSchema: {
      type: 'object',
      properties: Object.fromEntries(others) as Record<string, object>,
      required: required.filter(name => name !== action.argument),
    },
  };
  const verbs = wordsOf(action.value);
  const facts = factsOfTool(alone, [...verbs, ...words]);
  const isDestructive = tool.annotations?.destructiveHint === true;
  return {
    ...facts,
    action,
    onlyLooks: LOOKING_ACTIONS.includes(action.value) && !isDestructive,
    mayStart: facts.mayStart && facts.verb !== undefined && facts.verb === verbs[0],
  };
}

/** The profile of a proposal, which reads every field at its usual place. */
export function pairOfProposal(proposal: Proposal, tools: readonly Tool[]): Pair {
  const { start, status, argument, copied, cancel, action } = proposal;
  const fixed = {
    ...Object.fromEntries(copied.map(name => [name, { call: name }])),
    ...(action !== undefined && argumentOf(action)),
  };
  const profile = pairProfileSchema.parse({
    name: `found/${start}`.replace(/[^\w@/.-]/g, '-').slice(0, 100),
    start: { tool: start },
    status: {
      tool: status,
      handleArgument: argument,
      ...(Object.keys(fixed).length > 0 && { arguments: fixed }),
    },
    ...(cancel !== undefined && {
      cancel: {
        tool: cancel.tool,
        handleArgument: argument,
        ...(cancel.action !== undefined && { arguments: argumentOf(cancel.action) }),
      },
    }),
  });
  return completePair(profile, tools);
}

function argumentOf({ argument, value }: Action) {
  return { [argument]: { value } };
}
