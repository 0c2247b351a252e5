import { MACHINE, singular, WORK_NOUNS } from '../lexicon.js';
import { wordsOf } from '../pair/usual-places.js';
import type { Evidence } from './evidence.js';
import type { StatusCall } from './handle-argument.js';
import { argumentDescription, isWorkHandle, type ToolFacts } from './tool-facts.js';
import { isMachineWork, type Suspects } from './vetoes.js';

/** Two tools, and how the one would be asked about what the other has started. */
export interface Proposing {
  readonly start: ToolFacts;
  readonly status: ToolFacts;
  readonly call: StatusCall;
  readonly facts: readonly ToolFacts[];
}

/** What is known of two tools before any call. */
export interface PairFacts extends Suspects {
  readonly call: StatusCall;
  /** Where one tool names the other, as clauses. */
  readonly namings: readonly string[];
  readonly sharedNouns: readonly string[];
  /** `deployment` of a tool that deploys. */
  readonly nounsOfVerb: readonly string[];
  /** Whether the handle is named after what the start tool is about. */
  readonly isAbout: boolean;
  /** Whether the description of the handle speaks of that. */
  readonly isFrom: boolean;
  /** Whether the start tool speaks of what the handle is for. */
  readonly isMentioned: boolean;
  readonly isWorkId: boolean;
  readonly isWork: boolean;
}

const has = ({ status }: PairFacts, ...words: string[]) => words.some(word => status.words.includes(word));
const statusName = ({ status }: PairFacts) => `\`${status.tool.name}\``;
const startName = ({ start }: PairFacts) => `\`${start.tool.name}\``;
const handleName = ({ call }: PairFacts) => `\`${call.argument}\``;

/** What names, descriptions, arguments and hints of two tools say for a pair, and against it. */
export const PROPOSAL_EVIDENCE: readonly Evidence<PairFacts>[] = [
  {
    name: 'named',
    points: 4,
    holds: ({ isNamed }) => isNamed,
    says: ({ namings }) => namings.join(', '),
  },
  {
    name: 'named-twice',
    points: 1,
    holds: ({ namings }) => namings.length > 1,
    says: () => 'each speaks of the other',
  },
  {
    name: 'shared-noun',
    points: 2,
    holds: ({ sharedNouns }) => sharedNouns.length > 0,
    says: ({ sharedNouns }) => `both are about \`${sharedNouns.join(' ')}\``,
  },
  {
    name: 'noun-of-verb',
    points: 2,
    holds: ({ sharedNouns, nounsOfVerb }) => sharedNouns.length === 0 && nounsOfVerb.length > 0,
    says: facts => `\`${facts.nounsOfVerb.join(' ')}\` is what ${startName(facts)} makes`,
  },
  {
    name: 'handle-of-start',
    points: 1,
    holds: ({ isAbout }) => isAbout,
    says: facts => `${handleName(facts)} is named after ${startName(facts)}`,
  },
  {
    name: 'handle-said-of-start',
    points: 1,
    holds: ({ isFrom }) => isFrom,
    says: facts => `${handleName(facts)} is said to be of what ${startName(facts)} is about`,
  },
  {
    name: 'state-name',
    points: 2,
    holds: isNamedAfterState,
    says: facts => `${statusName(facts)} is named after a state`,
  },
  {
    name: 'result-name',
    points: 1,
    holds: facts => has(facts, 'result', 'results'),
    says: facts => `${statusName(facts)} is named after a result`,
  },
  {
    name: 'speaks-of-state',
    points: 1,
    holds: ({ status }) => status.speaksOfState,
    says: () => 'its description speaks of a state',
  },
  {
    name: 'work-handle',
    points: 1,
    holds: ({ isWorkId }) => isWorkId,
    says: facts => `${handleName(facts)} is a handle of work`,
  },
  {
    name: 'mentioned',
    points: 1,
    holds: ({ isMentioned }) => isMentioned,
    says: facts => `${startName(facts)} speaks of what ${handleName(facts)} is for`,
  },
  {
    name: 'machine-work',
    points: 2,
    holds: ({ isWork }) => isWork,
    says: facts => `${startName(facts)} is work for a machine`,
  },
  {
    name: 'works-later',
    points: 1,
    holds: ({ start }) => start.worksLater,
    says: facts => `${startName(facts)} says that its work goes on after the answer`,
  },
  {
    name: 'read-only',
    points: 1,
    holds: ({ status }) => status.tool.annotations?.readOnlyHint === true,
    says: () => 'marked as read-only',
  },
  {
    name: 'start-read-only',
    points: -2,
    holds: ({ start }) => start.tool.annotations?.readOnlyHint === true,
    says: facts => `${startName(facts)} is marked as read-only`,
  },
  {
    name: 'no-id',
    points: -1,
    holds: ({ call }) => !call.isId,
    says: facts => `${handleName(facts)} is no id`,
  },
  {
    name: 'lists',
    points: -3,
    holds: facts => has(facts, 'list', 'search', 'find', 'browse'),
    says: facts => `${statusName(facts)} lists or searches`,
  },
  {
    name: 'waits',
    points: -3,
    holds: facts => has(facts, 'wait', 'await'),
    says: facts => `${statusName(facts)} waits itself`,
  },
  {
    name: 'other-purpose',
    points: -4,
    holds: facts => has(facts, 'log', 'logs', 'tail', 'artifacts', 'artifact', 'download', 'metrics'),
    says: () => 'it is for something else than a state',
  },
];

/** Pure. */
export function pairFacts({ start, status, call, facts }: Proposing): PairFacts {
  const naming = namings(start, status);
  const handleNouns = wordsOf(call.argument).slice(0, -1).map(singular);
  const described = argumentDescription(status.tool.inputSchema.properties?.[call.argument])
    .slice(0, 500)
    .toLowerCase();
  const isAbout = handleNouns.some(noun => start.words.includes(noun) || start.nouns.includes(noun));
  return {
    start,
    status,
    call,
    facts,
    handleNouns,
    namings: naming,
    isNamed: naming.length > 0,
    sharedNouns: start.nouns.filter(noun => status.nouns.includes(noun)),
    nounsOfVerb: status.nouns.filter(noun => start.words.some(verb => isNounOf(noun, verb))),
    isAbout,
    isFrom: start.nouns.some(noun => noun.length > 3 && described.includes(noun)),
    isMentioned:
      (!isAbout && handleNouns.some(noun => start.description.includes(noun))) ||
      status.nouns.some(noun => WORK_NOUNS.has(noun) && start.mentions.has(noun)),
    isWorkId: isWorkHandle(call.argument),
    isWork: isMachineWork(start),
  };
}

/** `deployment` of `deploy`, `conversion` of `convert`: a noun of work that begins like what only machines do. */
function isNounOf(noun: string, verb: string): boolean {
  if (!MACHINE.has(verb) || !WORK_NOUNS.has(noun)) return false;
  const stem = verb.slice(0, Math.max(4, verb.length - 2));
  return verb.length >= 4 && noun.startsWith(stem);
}

/** Whether anything links the two, and the one may tell a state. */
export function isThinkable(facts: PairFacts): boolean {
  const { status, isNamed, sharedNouns, nounsOfVerb, isAbout, isMentioned, isFrom, isWorkId, isWork } = facts;
  const nouns = [...sharedNouns, ...nounsOfVerb];
  const isLinked =
    isNamed || nouns.length > 0 || isAbout || isMentioned || isFrom || (isWorkId && status.tellsState);
  // `get_workflow` of what `submit_workflow` submits
  const isOfWork = isWork && nouns.some(noun => WORK_NOUNS.has(noun));
  return isLinked && (status.tellsState || status.speaksOfState || isWorkId || isNamed || isOfWork);
}

/** Whether the status tool is named after a state. */
export function isNamedAfterState(facts: PairFacts): boolean {
  return has(facts, 'status', 'state', 'progress', 'poll', 'check');
}

/** Where one tool names the other. */
function namings(start: ToolFacts, status: ToolFacts): readonly string[] {
  if (start.tool.name === status.tool.name) return [];
  const bothWays = [
    [start, status],
    [status, start],
  ] as const;
  return bothWays
    .filter(([{ mentions }, { tool }]) => names(mentions, tool.name))
    .map(([one, other]) => `\`${one.tool.name}\` names \`${other.tool.name}\``);
}

/** Whether a name that is no ordinary word is among the words of a text, in lower case. */
export function names(mentions: ReadonlySet<string>, tool: string): boolean {
  return /[_-]|[a-z][A-Z]/.test(tool) && mentions.has(tool.toLowerCase());
}
