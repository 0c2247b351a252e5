import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { isEndStatus, type ToolCall } from '../../types.js';
import { type AnswerData, dataOf } from '../pair/answer-data.js';
import { answerFactsOf } from '../pair/answer-facts.js';
import { type FoundHandle, findHandle } from '../pair/find-handle.js';
import { soughtOf, type TaskId, usable } from '../pair/handle.js';
import type { Pair } from '../pair/profile.js';
import { readState } from '../pair/state.js';
import type { State } from '../pair/usual-state.js';
import { argumentType } from '../tool-definition.js';
import { type Evidence, type Held, type Veto, vetoesIn, weigh } from './evidence.js';
import { names } from './proposal-evidence.js';
import { isOfAction, type Proposal } from './propose.js';

/** More text than anybody writes to say that a job has started. */
const MAX_TEXT = 8000;
/** From this on the status tool is asked once. */
export const MIN_TO_ASK = 5;
/** From this on the tools of a machine's work say enough for a mere id to be asked about. */
const LIKELY_SCORE = 8;

/** Either the handle of a job that may be under way, or why an answer is not taken for that of a start. */
export type AnswerReading =
  | {
      readonly id: TaskId;
      readonly score: number;
      /** Whether the answer names the status tool. */
      readonly isNamedInAnswer: boolean;
      readonly evidence: readonly Held[];
    }
  | {
      readonly refusal: string;
      /** Whether only an unknown status word speaks against it. */
      readonly isUnknownWord?: boolean;
    };

export interface StartAnswerFacts {
  readonly call: ToolCall;
  readonly answer: CallToolResult;
  readonly statusTool: Tool | undefined;
  /** Whether an earlier call has proved the two tools a pair. */
  readonly isProved?: boolean;
}

const RECORD_KEYS = new Set(
  'name title created_at createdat created updated_at updatedat owner author email description'.split(' '),
);

const HANDLE_POINTS: Readonly<Record<FoundHandle['evidence'], number>> = {
  key: 3,
  described: 3,
  noun: 2,
  label: 2,
  prefix: 2,
  bare: 1,
  lone: 1,
};

/** What rules any answer out, whatever the tools are. */
export const CONTENT_VETOES: readonly Veto<CallToolResult>[] = [
  { name: 'error', holds: ({ isError }) => isError === true, says: () => 'the answer is an error' },
  {
    name: 'media',
    holds: ({ content = [] }) => content.some(({ type }) => type !== 'text'),
    says: () => 'the answer has content of its own',
  },
  {
    name: 'long',
    holds: ({ content = [] }) =>
      content.reduce((sum, block) => sum + (block.type === 'text' ? block.text.length : 0), 0) > MAX_TEXT,
    says: () => 'the answer is long',
  },
];

/** What is known of an answer with a handle. */
interface AnswerFacts {
  readonly proposal: Proposal;
  readonly handle: FoundHandle;
  readonly state: State | undefined;
  /** Whether one tool names the other, or the answer the status tool. */
  readonly isNamed: boolean;
  readonly isNamedInAnswer: boolean;
  /** Whether the answer looks like a record: somebody has named it, or written down when. */
  readonly isRecord: boolean;
  readonly isProved: boolean;
}

/** What an answer says for a pair. */
export const ANSWER_EVIDENCE: readonly Evidence<AnswerFacts>[] = [
  {
    name: 'handle',
    points: ({ handle }) => HANDLE_POINTS[handle.evidence],
    holds: () => true,
    says: ({ proposal, handle }) => `the answer has a handle for \`${proposal.argument}\` (\`${handle.at}\`)`,
  },
  {
    name: 'named-in-answer',
    points: ({ proposal }) => (proposal.isNamed ? 1 : 4),
    holds: ({ isNamedInAnswer }) => isNamedInAnswer,
    says: ({ proposal }) => `it names \`${proposal.status}\``,
  },
  {
    name: 'working',
    points: 2,
    holds: ({ state }) => state !== undefined && !isEndStatus(state.status),
    says: ({ state }) => `it says that the work is ${state?.word ?? state?.status}`,
  },
  {
    name: 'proved-before',
    points: 2,
    holds: ({ isProved }) => isProved,
    says: () => 'an earlier call has proved the pair',
  },
];

/** What keeps an answer from being that of a start, whatever the score is. */
export const ANSWER_VETOES: readonly Veto<AnswerFacts>[] = [
  { name: 'end', holds: isEnd, says: ({ state }) => `the answer says that it is ${state?.status}` },
  {
    name: 'unknown-word',
    holds: ({ state, isNamedInAnswer }) => state?.unknownWord !== undefined && !isNamedInAnswer,
    says: ({ state }) => `\`${state?.unknownWord}\` is no known state of work`,
  },
  {
    name: 'other-key',
    holds: ({ proposal, handle }) => proposal.isExactOnly && handle.evidence !== 'key',
    says: ({ proposal }) => `the answer has no \`${proposal.argument}\``,
  },
  {
    name: 'no-work',
    // A handle of work under its very key, in an answer that says that it works, is as good as a name that says so.
    holds: facts =>
      !(facts.proposal.isWork || facts.isNamed || (facts.handle.evidence === 'key' && isWorking(facts))),
    says: () => 'nothing says that a machine works on it',
  },
  {
    name: 'lookup',
    holds: facts => facts.proposal.looksUp && !isWorking(facts),
    says: () => 'it may have looked something up',
  },
  {
    name: 'mere-id',
    holds: facts => isMere(facts) && !isSupported(facts),
    says: () => 'a mere id, without a state, may be that of a record',
  },
  {
    name: 'action-unproved',
    holds: facts => isOfAction(facts.proposal) && isMere(facts) && !isWorking(facts),
    says: () => 'a mere id, without a state, is too little for an action of a tool',
  },
];

/** Why no answer of this kind is that of a start, whatever the tools are; undefined where it may be one. */
export function notOfStart(answer: CallToolResult): string | undefined {
  return vetoesIn(CONTENT_VETOES, answer)[0]?.says;
}

/** What the answer to a call says about a proposal. Pure. */
export function readAnswer(
  proposal: Proposal,
  pair: Pair,
  { call, answer, statusTool, isProved = false }: StartAnswerFacts,
): AnswerReading {
  const other = notOfStart(answer) ?? proposal.vetoes[0]?.says;
  if (other !== undefined) return { refusal: other };
  const data = dataOf(answer);
  const handle = findHandle(data, soughtOf(pair, statusTool, call.arguments));
  const ids = usable(handle?.values ?? [], argumentType(statusTool, proposal.argument));
  const [id, second] = ids;
  if (handle === undefined || id === undefined)
    return { refusal: `the answer has nothing new for \`${proposal.argument}\`` };
  if (second !== undefined) return { refusal: `the answer has several values for \`${proposal.argument}\`` };
  const state = readState(data, pair, [String(id)]);
  const isNamedInAnswer = isNamedIn(data, proposal);
  const isNamed = proposal.isNamed || isNamedInAnswer;
  const isRecord = isRecordOf(data);
  const facts = { proposal, handle, state, isNamed, isNamedInAnswer, isRecord, isProved };
  const [veto] = vetoesIn(ANSWER_VETOES, facts);
  if (veto !== undefined) return { refusal: veto.says, isUnknownWord: state?.unknownWord !== undefined };
  const { score, held } = weigh(ANSWER_EVIDENCE, facts);
  const total = proposal.score + score;
  return total < MIN_TO_ASK
    ? { refusal: `the evidence is weak (score ${total}, and ${MIN_TO_ASK} are needed)` }
    : { id, score: total, isNamedInAnswer, evidence: held };
}

/** Whether it says that the work goes on, in a word that is known. */
function isWorking({ state }: AnswerFacts): boolean {
  return state?.status === 'working' && state.unknownWord === undefined;
}

/** "success" may be that of the request, where the answer says how to go on. */
function isEnd({ state, handle, isNamed }: AnswerFacts): boolean {
  if (state === undefined || !isEndStatus(state.status)) return false;
  const isExact = handle.evidence === 'key' || handle.evidence === 'described';
  const mayBeOfRequest = state.isOfRequest === true || state.isSentence === true;
  return !(state.status === 'completed' && mayBeOfRequest && (isNamed || isExact));
}

function isMere({ handle }: AnswerFacts): boolean {
  return handle.evidence === 'bare' || handle.evidence === 'lone';
}

function isSupported(facts: AnswerFacts): boolean {
  const { isNamedAfterState, isWork, score } = facts.proposal;
  const isLikely = isNamedAfterState || (isWork && score >= LIKELY_SCORE);
  return isWorking(facts) || facts.isNamed || (isLikely && !facts.isRecord);
}

function isRecordOf(data: AnswerData): boolean {
  return answerFactsOf(data).some(({ key }) => RECORD_KEYS.has(key.toLowerCase()));
}

function isNamedIn({ text }: AnswerData, { status }: Proposal): boolean {
  return names(new Set(text.toLowerCase().match(/[\w-]{2,100}/g) ?? []), status);
}
