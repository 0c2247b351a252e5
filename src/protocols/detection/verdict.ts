import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { dataOf } from '../pair/answer-data.js';
import type { TaskId } from '../pair/handle.js';
import type { Pair } from '../pair/profile.js';
import { readState } from '../pair/state.js';
import type { Proposal } from './propose.js';

/** From this on a pair is used. */
const LEAST_TO_WAIT = 8;

export interface Verdict {
  readonly isPair: boolean;
  readonly reasons: readonly string[];
}

export interface Probed {
  readonly proposal: Proposal;
  readonly pair: Pair;
  readonly id: TaskId;
  /** Before the status tool was asked. */
  readonly score: number;
}

/** Whether two tools are a pair, after what the status tool has answered about the very handle. Pure. */
export function verdictOf(answer: CallToolResult, { proposal, pair, id, score }: Probed): Verdict {
  const data = dataOf(answer);
  const state = readState(data, pair, [String(id)]);
  const refused = (why: string): Verdict => ({ isPair: false, reasons: [`but ${why}`] });
  if (state === undefined) return refused(`\`${proposal.status}\` did not tell a state`);
  if (state.unknownWord !== undefined) return refused(`\`${state.unknownWord}\` is no known state of work`);
  // An error without the handle may be that of the request.
  if (
    state.isOfRequest === true ||
    (state.status === 'failed' && !echoes(data.text, answer, id) && answer.isError === true)
  )
    return refused(`\`${proposal.status}\` told only of the request`);
  const isEcho = echoes(data.text, answer, id);
  const total = score + 2 + (isEcho ? 1 : 0);
  const reasons = [
    `\`${proposal.status}\` knows of it and says that it is ${state.word ?? state.status}`,
    ...(isEcho ? ['it repeats the handle'] : []),
  ];
  return total >= LEAST_TO_WAIT
    ? { isPair: true, reasons }
    : {
        isPair: false,
        reasons: [...reasons, `but that is too little (score ${total}, and ${LEAST_TO_WAIT} are needed)`],
      };
}

function echoes(text: string, { structuredContent }: CallToolResult, id: TaskId): boolean {
  return `${text}${structuredContent === undefined ? '' : JSON.stringify(structuredContent)}`.includes(
    String(id),
  );
}

/** Whether a status tool that did not answer in time is taken for one that holds its answer back. */
export function isHeld({ score, pair }: Probed): boolean {
  return pair.status.mayHold && score >= LEAST_TO_WAIT;
}
