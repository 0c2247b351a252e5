import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { isEndStatus, type ToolCall } from '../../types.js';
import { dataOf } from '../pair/answer-data.js';
import { argumentType, idsIn, type TaskId } from '../pair/handle.js';
import type { Pair } from '../pair/profile.js';
import { readState } from '../pair/state.js';
import { names, type Proposal } from './propose.js';

/** More text than anybody writes to say that a job has started. */
const MOST_TEXT = 8000;

/** Either the handles of a job under way, or why an answer is not taken for that of a start. */
export type LiveEvidence =
  | { readonly ids: readonly TaskId[]; readonly reasons: readonly string[] }
  | { readonly refusal: string };

export interface LiveAnswer {
  readonly call: ToolCall;
  readonly answer: CallToolResult;
  readonly statusTool: Tool | undefined;
}

/** What the answer to a call says about a proposal. Pure. */
export function readLiveEvidence(
  proposal: Proposal,
  pair: Pair,
  { call, answer, statusTool }: LiveAnswer,
): LiveEvidence {
  if (answer.isError === true) return { refusal: 'the answer is an error' };
  const content = answer.content ?? [];
  if (content.some(({ type }) => type !== 'text')) return { refusal: 'the answer has content of its own' };
  const data = dataOf(answer);
  if (data.text.length > MOST_TEXT) return { refusal: 'the answer is long' };
  const state = readState(data, pair);
  const isNamed = names(data.text.toLowerCase(), proposal.status);
  // "success" may be that of the request, where the answer says how to go on.
  if (state !== undefined && isEndStatus(state.status) && !(isNamed && state.status === 'completed'))
    return { refusal: `the answer says that it is ${state.status}` };
  const said = saidIn(call.arguments);
  const ids = idsIn(data, pair, argumentType(statusTool, pair.status.handleArgument));
  if (ids.length === 0) return { refusal: `the answer has nothing for \`${pair.status.handleArgument}\`` };
  if (ids.some(id => said.has(String(id)))) return { refusal: 'what looks like a handle came with the call' };
  if (!proposal.isStrong && !isNamed)
    return { refusal: `the evidence is weak, and the answer does not name \`${proposal.status}\`` };
  if (state?.unknownWord !== undefined && !isNamed)
    return { refusal: `\`${state.unknownWord}\` is no known state of work` };
  return {
    ids,
    reasons: [
      `the answer has a handle for \`${pair.status.handleArgument}\``,
      ...(isNamed ? [`it names \`${proposal.status}\``] : []),
      ...(state !== undefined && state.unknownWord === undefined
        ? [`it says that the work is ${state.status}`]
        : []),
    ],
  };
}

/** All values that the caller gave. */
function saidIn(value: unknown, said = new Set<string>()): ReadonlySet<string> {
  if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) saidIn(inner, said);
  else said.add(String(value));
  return said;
}
