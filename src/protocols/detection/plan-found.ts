import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ToolCall } from '../../types.js';
import { isMarkedIdempotent } from '../idempotent-tool.js';
import { dataOf } from '../pair/answer-data.js';
import { readHandle } from '../pair/handle.js';
import { type Pair, withWords } from '../pair/profile.js';
import { newHandle } from '../pair/start-answer.js';
import { readState } from '../pair/state.js';
import { pollPair } from '../pair/steps.js';
import type { Detected, Exchange, Protocol, ServerFacts, StartAnswer, ToolPlan } from '../protocol.js';
import { toolResultSchema } from '../readable-result.js';
import { outcomeOfResult } from '../tool-result.js';
import { pairOfProposal } from './found-pair.js';
import { readLiveEvidence } from './live-evidence.js';
import { type Proposal, proposePairs } from './propose.js';

/** Each is compared with each. */
const MOST_TOOLS = 1000;

/** All plans of one list of tools share what was found in it. */
const proposals = new WeakMap<readonly Tool[], readonly Proposal[]>();

/**
 * How a tool is awaited that looks as if another one told the state of what it starts. Its call is sent like any other;
 * only an answer that shows a job under way, of which the status tool then knows, is waited for.
 */
export function planFound(tool: Tool, server: ServerFacts, protocol: Protocol): ToolPlan | undefined {
  if (server.detect !== true || server.tools.length > MOST_TOOLS) return undefined;
  const found = proposals.get(server.tools) ?? proposePairs(server.tools);
  proposals.set(server.tools, found);
  const proposal = found.find(({ start }) => start === tool.name);
  if (proposal === undefined) return undefined;
  const pair = withWords(pairOfProposal(proposal, server.tools), server.words);
  const statusTool = server.tools.find(({ name }) => name === proposal.status);
  return {
    protocol,
    why: whyOf(proposal),
    blocking: false,
    mayBlock: true,
    idempotent: isMarkedIdempotent(tool),
    listed: tool,
    hiddenTools: [],
    start: (call, exchange) => start({ call, exchange, proposal, pair, statusTool }),
  };
}

function whyOf({ status, score, reasons, isStrong }: Proposal): string {
  const when = isStrong ? 'used where an answer shows a job under way' : `used only where an answer names it`;
  return `found: \`${status}\` may tell the state of what it starts; ${when} (score ${score}: ${reasons.join('; ')})`;
}

interface Starting {
  readonly call: ToolCall;
  readonly exchange: Exchange;
  readonly proposal: Proposal;
  readonly pair: Pair;
  readonly statusTool: Tool | undefined;
}

async function start(starting: Starting): Promise<StartAnswer> {
  const { call, exchange, proposal, pair, statusTool } = starting;
  const { port, signal, silenceTimeoutMs, onProgress } = exchange;
  const answer = await port.callTool(call, { signal, timeoutMs: silenceTimeoutMs, onProgress });
  const live = readLiveEvidence(proposal, pair, { call, answer, statusTool });
  if ('refusal' in live) return plain(answer, { ...told(proposal, [live.refusal]), used: false });
  const handle = newHandle(live.ids, pair, { call, statusTool, data: dataOf(answer) });
  const reasons = [...proposal.reasons, ...live.reasons];
  try {
    // Before anybody waits: whether the status tool knows of it, in words that are known.
    const state = await pollPair(readHandle(handle), { ...exchange, holdMs: 0 });
    if (![state.raw].flat().every(raw => tellsState(raw, pair)))
      return plain(answer, told(proposal, [...reasons, `but \`${proposal.status}\` did not tell a state`]));
    if (state.kind === 'running' && state.unknownWord !== undefined)
      return plain(
        answer,
        told(proposal, [...reasons, `but \`${state.unknownWord}\` is no known state of work`]),
      );
    const detected = { ...told(proposal, reasons), used: true };
    return { ...state, handle, detected };
  } catch {
    // Also of a call that nobody waits for any more: its answer has come.
    return plain(answer, told(proposal, [...reasons, `but \`${proposal.status}\` did not tell a state`]));
  }
}

/** An error without a state may be that of the request. */
function tellsState(raw: unknown, pair: Pair): boolean {
  const { data } = toolResultSchema.safeParse(raw);
  return data !== undefined && readState(dataOf(data), pair) !== undefined;
}

function told({ status }: Proposal, reasons: readonly string[]): Detected {
  return { statusTool: status, used: false, reasons };
}

/** The answer as it came. */
function plain(answer: CallToolResult, detected: Detected): StartAnswer {
  return { kind: 'ended', outcome: outcomeOfResult(answer), raw: answer, detected };
}
