import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { isEndStatus, type ToolCall } from '../../types.js';
import { type AnswerData, dataOf } from '../pair/answer-data.js';
import { factsOf } from '../pair/answer-facts.js';
import { type FoundHandle, findHandle } from '../pair/find-handle.js';
import { argumentType, soughtOf, type TaskId, usable } from '../pair/handle.js';
import type { Pair } from '../pair/profile.js';
import { readState } from '../pair/state.js';
import type { State } from '../pair/told-state.js';
import { names, type Proposal } from './propose.js';

/** More text than anybody writes to say that a job has started. */
const MOST_TEXT = 8000;
/** From this on the status tool is asked once. */
const LEAST_TO_ASK = 5;

/** Either the handle of a job that may be under way, or why an answer is not taken for that of a start. */
export type AnswerReading =
  | {
      readonly id: TaskId;
      readonly score: number;
      /** Whether the answer names the status tool. */
      readonly isNamedInAnswer: boolean;
      readonly reasons: readonly string[];
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

/** Why no answer of this kind is that of a start, whatever the tools are; undefined where it may be one. */
export function notOfStart({ isError, content = [] }: CallToolResult): string | undefined {
  if (isError === true) return 'the answer is an error';
  if (content.some(({ type }) => type !== 'text')) return 'the answer has content of its own';
  const length = content.reduce((sum, block) => sum + (block.type === 'text' ? block.text.length : 0), 0);
  return length > MOST_TEXT ? 'the answer is long' : undefined;
}

/** What the answer to a call says about a proposal. Pure. */
export function readAnswer(
  proposal: Proposal,
  pair: Pair,
  { call, answer, statusTool }: StartAnswerFacts,
): AnswerReading {
  const other = notOfStart(answer) ?? proposal.vetoes[0];
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
  const refusal = refusalOf({
    proposal,
    handle,
    state,
    isNamed,
    isNamedInAnswer,
    isRecord: isRecordOf(data),
  });
  if (refusal !== undefined) return { refusal, isUnknownWord: state?.unknownWord !== undefined };
  const isWorking = state !== undefined && !isEndStatus(state.status);
  const evidence: readonly (readonly [boolean, number, string])[] = [
    [
      true,
      HANDLE_POINTS[handle.evidence],
      `the answer has a handle for \`${proposal.argument}\` (\`${handle.at}\`)`,
    ],
    [isNamedInAnswer, proposal.isNamed ? 1 : 4, `it names \`${proposal.status}\``],
    [isWorking, 2, `it says that the work is ${state?.word ?? state?.status}`],
  ];
  const held = evidence.filter(([holds]) => holds);
  const score = held.reduce((sum, [, points]) => sum + points, proposal.score);
  return score < LEAST_TO_ASK
    ? { refusal: `the evidence is weak (score ${score}, and ${LEAST_TO_ASK} are needed)` }
    : { id, score, isNamedInAnswer, reasons: held.map(([, , reason]) => reason) };
}

interface Doubts {
  readonly proposal: Proposal;
  readonly handle: FoundHandle;
  readonly state: State | undefined;
  readonly isNamed: boolean;
  readonly isNamedInAnswer: boolean;
  /** Whether the answer looks like a record: somebody has named it, or written down when. */
  readonly isRecord: boolean;
}

/** What keeps an answer from being that of a start, whatever the score is; the first that holds. */
function refusalOf({
  proposal,
  handle,
  state,
  isNamed,
  isNamedInAnswer,
  isRecord,
}: Doubts): string | undefined {
  const { evidence } = handle;
  const isExact = evidence === 'key' || evidence === 'described';
  const isMere = evidence === 'bare' || evidence === 'lone';
  const isWorking = state?.status === 'working' && state.unknownWord === undefined;
  // "success" may be that of the request, where the answer says how to go on.
  const mayBeOfRequest = state?.isOfRequest === true || state?.isSentence === true;
  const isEnd =
    state !== undefined &&
    isEndStatus(state.status) &&
    !(state.status === 'completed' && mayBeOfRequest && (isNamed || isExact));
  const doubts: readonly (readonly [boolean, string])[] = [
    [isEnd, `the answer says that it is ${state?.status}`],
    [
      state?.unknownWord !== undefined && !isNamedInAnswer,
      `\`${state?.unknownWord}\` is no known state of work`,
    ],
    [proposal.isExactOnly && evidence !== 'key', `the answer has no \`${proposal.argument}\``],
    // A handle of work under its very key, in an answer that says that it works, is as good as a name that says so.
    [
      !(proposal.isWork || isNamed || (evidence === 'key' && isWorking)),
      'nothing says that a machine works on it',
    ],
    [proposal.looksUp && !isWorking, 'it may have looked something up'],
    [
      isMere && !(isWorking || isNamed || isNamedInAnswer || (proposal.isNamedAfterState && !isRecord)),
      'a mere id, without a state, may be that of a record',
    ],
  ];
  return doubts.find(([holds]) => holds)?.[1];
}

function isRecordOf(data: AnswerData): boolean {
  return factsOf(data).some(({ key }) => RECORD_KEYS.has(key.toLowerCase()));
}

function isNamedIn({ text }: AnswerData, { status }: Proposal): boolean {
  return names(new Set(text.toLowerCase().match(/[\w-]{2,100}/g) ?? []), status);
}
