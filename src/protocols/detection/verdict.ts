import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { isEndStatus } from '../../types.js';
import { dataOf } from '../pair/answer-data.js';
import type { TaskId } from '../pair/handle.js';
import type { Pair } from '../pair/profile.js';
import { readState } from '../pair/state.js';
import type { State } from '../pair/usual-state.js';
import { fold, meaningOf } from '../pair/words.js';
import { type Evidence, type Held, type Veto, vetoesIn, weigh } from './evidence.js';
import { isOfAction, type Proposal } from './propose.js';

/** From this on a pair is used. */
export const MIN_TO_WAIT = 8;

export interface Verdict {
  readonly isPair: boolean;
  readonly evidence: readonly Held[];
}

export interface Probed {
  readonly proposal: Proposal;
  readonly pair: Pair;
  readonly id: TaskId;
  readonly statusTool?: Tool | undefined;
  /** Before the status tool was asked. */
  readonly score: number;
}

/** What is known of the answer of the status tool. */
interface ProbeFacts {
  readonly proposal: Proposal;
  readonly state: State | undefined;
  readonly isError: boolean;
  readonly isEcho: boolean;
  /** Whether the status tool says that its word is one of its states. */
  readonly isListed: boolean;
}

/** What the status tool's answer about the very handle says for a pair. */
export const PROBE_EVIDENCE: readonly Evidence<ProbeFacts>[] = [
  {
    name: 'knows-it',
    points: 2,
    holds: ({ state }) => state !== undefined,
    says: ({ proposal, state }) =>
      `\`${proposal.status}\` knows of it and says that it is ${state?.word ?? state?.status}`,
  },
  { name: 'echo', points: 1, holds: ({ isEcho }) => isEcho, says: () => 'it repeats the handle' },
];

/** What that answer says against one, whatever the score is. */
export const PROBE_VETOES: readonly Veto<ProbeFacts>[] = [
  {
    name: 'no-state',
    holds: ({ state }) => state === undefined,
    says: ({ proposal }) => `\`${proposal.status}\` did not tell a state`,
  },
  {
    name: 'unknown-word',
    holds: ({ state, isListed }) => state?.unknownWord !== undefined && !isListed,
    says: ({ state }) => `\`${state?.unknownWord}\` is no known state of work`,
  },
  {
    name: 'of-request',
    // An error without the handle may be that of the request.
    holds: ({ state, isEcho, isError }) =>
      state?.isOfRequest === true || (state?.status === 'failed' && isError && !isEcho),
    says: ({ proposal }) => `\`${proposal.status}\` told only of the request`,
  },
  {
    name: 'action-no-echo',
    holds: ({ proposal, isEcho }) => isOfAction(proposal) && !isEcho,
    says: ({ proposal }) => `\`${proposal.status}\` did not repeat the handle`,
  },
];

/** Whether two tools are a pair, after what the status tool has answered about the very handle. Pure. */
export function verdictOf(answer: CallToolResult, probed: Probed): Verdict {
  const { proposal, pair, id, score, statusTool } = probed;
  const data = dataOf(answer);
  const state = readState(data, pair, [String(id)]);
  const facts = {
    proposal,
    state,
    isListed: lists(statusTool?.description ?? '', state?.unknownWord),
    isError: answer.isError === true,
    isEcho: echoes(data.text, answer, id),
  };
  const [veto] = vetoesIn(PROBE_VETOES, facts);
  if (veto !== undefined) return { isPair: false, evidence: [veto] };
  const probe = weigh(PROBE_EVIDENCE, facts);
  const total = score + probe.score;
  if (total >= MIN_TO_WAIT) return { isPair: true, evidence: probe.held };
  const says = `that is too little (score ${total}, and ${MIN_TO_WAIT} are needed)`;
  return { isPair: false, evidence: [...probe.held, { name: 'too-little', says }] };
}

/** Whether a description lists a word among words of states: "(queued, scoring, complete, failed)". */
function lists(description: string, word: string | undefined): boolean {
  if (word === undefined) return false;
  const listed = /[(:]((?:\s?["'`]?[A-Za-z_-]{3,40}["'`]?\s?[,/|]){2,12}\s?["'`]?[A-Za-z_-]{3,40})/.exec(
    description.slice(0, 4000),
  )?.[1];
  const words = listed?.match(/[A-Za-z_-]{3,40}/g) ?? [];
  const ends = words.filter(each => isEndStatus(meaningOf(each, { own: {} }) ?? 'working'));
  return ends.length >= 2 && words.some(each => fold(each) === fold(word));
}

function echoes(text: string, { structuredContent }: CallToolResult, id: TaskId): boolean {
  return `${text}${structuredContent === undefined ? '' : JSON.stringify(structuredContent)}`.includes(
    String(id),
  );
}

/** Whether a status tool that did not answer in time is taken for one that holds its answer back. */
export function isHeld({ score, pair }: Probed): boolean {
  return pair.status.mayHold && score >= MIN_TO_WAIT;
}
