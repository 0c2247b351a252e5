import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { ProtocolViolationError, StatusCheckError, TaskNotFoundError } from '../../errors.js';
import { retryRequest } from '../../pacing/retry-request.js';
import type { ToolCall } from '../../types.js';
import { dataOf } from '../pair/answer-data.js';
import { newHandle, type TaskId } from '../pair/handle.js';
import { type Pair, withWords } from '../pair/profile.js';
import { pollPair } from '../pair/steps.js';
import type {
  Detected,
  Exchange,
  PairProof,
  PairProofs,
  PollAnswer,
  Protocol,
  ServerFacts,
  StartAnswer,
  ToolPlan,
} from '../protocol.js';
import { toolResultSchema } from '../readable-result.js';
import { isRequestTimeout } from '../refusal.js';
import { sync } from '../sync.js';
import { isMarkedIdempotent } from '../tool-definition.js';
import { outcomeOfResult } from '../tool-result.js';
import { type Held, reasonsOf } from './evidence.js';
import { isOfAction, type Proposal, pairOfProposal, proposalsByStart } from './propose.js';
import { readAnswer } from './read-answer.js';
import type { Action } from './tool-facts.js';
import { isHeld, verdictOf } from './verdict.js';

/** Comparisons grow with the square of the number of tools. */
const MAX_TOOLS = 1000;
/** Of the first status request, over some seconds. */
const PROBE_RETRIES = 3;

/** A proposal with the profile that it comes to. */
interface Proposed {
  readonly proposal: Proposal;
  readonly pair: Pair;
  readonly statusTool: Tool | undefined;
}

interface Found {
  readonly proposals: ReadonlyMap<string, readonly Proposal[]>;
  readonly profiles: Map<string, readonly Proposed[]>;
  /** Start tools whose answers the status tool could not tell the state of: it is not asked again. */
  readonly disproved: Map<string, string>;
}

/** All plans of one list of tools share what was found in it. */
const foundIn = new WeakMap<readonly Tool[], Found>();

/**
 * How a tool is awaited that looks as if another one told the state of what it starts. Its call is sent like any other;
 * only an answer that shows a job under way, of which the status tool then knows, is waited for.
 */
export function planFound(tool: Tool, server: ServerFacts, protocol: Protocol): ToolPlan | undefined {
  const { tools, detectActions } = server;
  if (server.detect !== true || tools.length > MAX_TOOLS) return undefined;
  const found = foundIn.get(tools) ?? {
    proposals: proposalsByStart(tools, { actions: detectActions }),
    profiles: new Map(),
    disproved: new Map(),
  };
  foundIn.set(tools, found);
  const proposals = found.proposals.get(tool.name) ?? [];
  const [best] = proposals;
  if (best === undefined) return undefined;
  // A pair that is merely possible counts as synchronous until an answer proves it.
  const own = best.isStrong ? protocol : sync;
  return {
    protocol: own,
    why: whyOf(best),
    found: { statusTool: best.status, score: best.score, evidence: [...best.evidence, ...best.vetoes] },
    startKind: 'unknown',
    idempotent: isMarkedIdempotent(tool),
    listed: tool,
    hiddenTools: [],
    start: (call, exchange) => {
      const proposed = proposedFor(tool, found, server).filter(({ proposal }) => isMeant(proposal, call));
      return start({ call, exchange, tool, proposed, protocol, ...found, proofs: server.proofs });
    },
  };
}

function proposedFor(
  tool: Tool,
  { proposals, profiles }: Found,
  { tools, words }: ServerFacts,
): readonly Proposed[] {
  const known = profiles.get(tool.name);
  if (known !== undefined) return known;
  const proposed = (proposals.get(tool.name) ?? []).map(proposal => ({
    proposal,
    pair: withWords(pairOfProposal(proposal, tools), words),
    statusTool: tools.find(({ name }) => name === proposal.status),
  }));
  profiles.set(tool.name, proposed);
  return proposed;
}

/** Whether a call is one of the action that a proposal is about. */
function isMeant({ when }: Proposal, call: ToolCall): boolean {
  return when === undefined || call.arguments?.[when.argument] === when.value;
}

function whyOf({ status, action, when, vetoes, isStrong }: Proposal): string {
  const asked = `\`${status}\`${action === undefined ? '' : ` with ${textOf(action)}`}`;
  const of = when === undefined ? 'it' : `a call with ${textOf(when)}`;
  if (vetoes.length > 0)
    return `answers the call itself; ${asked} looks like its status tool, but is not used`;
  return isStrong
    ? `${asked} tells the state of what ${of} starts (found; used where an answer shows a job under way)`
    : `answers the call itself; possibly a pair: ${asked} may tell the state of what ${of} starts`;
}

function textOf({ argument, value }: Action): string {
  return `\`${argument}: ${value}\``;
}

interface Starting {
  readonly call: ToolCall;
  readonly exchange: Exchange;
  readonly tool: Tool;
  readonly protocol: Protocol;
  readonly proposed: readonly Proposed[];
  readonly disproved: Map<string, string>;
  readonly proofs: PairProofs | undefined;
}

/** A proposal that the answer speaks for. */
interface Candidate extends Proposed {
  readonly id: TaskId;
  readonly score: number;
  readonly isNamedInAnswer: boolean;
  readonly evidence: readonly Held[];
}

async function start(starting: Starting): Promise<StartAnswer> {
  const { call, exchange, disproved, protocol, proofs } = starting;
  const { port, signal, silenceTimeoutMs, onProgress } = exchange;
  const answer = await port.callTool(call, { signal, timeoutMs: silenceTimeoutMs, onProgress });
  const chosen = chosenOf(answer, starting);
  if (chosen === undefined)
    return { kind: 'ended', outcome: outcomeOfResult(answer), raw: answer, protocol: sync };
  if ('refusal' in chosen) {
    const { proposal, refusal, isUnknownWord } = chosen;
    return plain(answer, told(proposal, [refusal]), isUnknownWord === true ? proposal : undefined);
  }
  const { proposal, pair, statusTool, id } = chosen;
  const reasons = reasonsOf([...proposal.evidence, ...chosen.evidence]);
  const before = disproved.get(call.name);
  if (before !== undefined) return plain(answer, told(proposal, [...reasons, before]), proposal);
  const handle = newHandle([id], pair, { call, statusTool, data: dataOf(answer) });
  const probed = await probe(handle, chosen, exchange);
  const detected = told(proposal, [...reasons, ...reasonsOf(probed.evidence)]);
  if (probed.state !== undefined) {
    if (probed.isProved === true) proofs?.add(proofOf(chosen, starting));
    return { ...probed.state, handle, protocol, detected: { ...detected, used: true } };
  }
  if (probed.isDisproved) {
    disproved.set(call.name, 'but it did not tell a state of what an earlier call started');
    if (probed.isAnswered) proofs?.remove(proofOf(chosen, starting));
  }
  return plain(answer, detected, proposal);
}

/** An answer that cannot be read is returned as it came. */
function chosenOf(answer: CallToolResult, starting: Starting): ReturnType<typeof choose> | undefined {
  try {
    return choose(answer, starting);
  } catch {
    return undefined;
  }
}

/** The proposal with the most evidence, if there is exactly one. */
function choose(answer: CallToolResult, starting: Starting): Candidate | Refused | undefined {
  const { call, proposed, proofs } = starting;
  const read = proposed.map(each => ({
    each,
    reading: readAnswer(each.proposal, each.pair, {
      call,
      answer,
      statusTool: each.statusTool,
      isProved: proofs?.has(proofOf(each, starting)) === true,
    }),
  }));
  const [best, second] = read
    .flatMap(({ each, reading }) => ('refusal' in reading ? [] : [{ ...each, ...reading }]))
    .toSorted(
      (a, b) =>
        Number(isOfAction(a.proposal)) - Number(isOfAction(b.proposal)) ||
        b.score - a.score ||
        Number(b.isNamedInAnswer) - Number(a.isNamedInAnswer) ||
        b.proposal.likeness - a.proposal.likeness ||
        Number(b.proposal.isNamedAfterState) - Number(a.proposal.isNamedAfterState),
    );
  if (best === undefined) {
    const [first] = read.flatMap(({ each, reading }) =>
      'refusal' in reading ? [{ proposal: each.proposal, ...reading }] : [],
    );
    return first;
  }
  // Two that take the same handle tell of the same job.
  if (second === undefined || best.score > second.score || best.id === second.id) return best;
  return { proposal: best.proposal, refusal: `\`${second.proposal.status}\` would do as well` };
}

/** What identifies a proved pair: a tool that has changed is another tool. */
function proofOf({ proposal, statusTool }: Proposed, { tool }: Starting): PairProof {
  const { argument, when, action } = proposal;
  return { start: tool, status: statusTool, argument, when, action };
}

interface Refused {
  readonly proposal: Proposal;
  readonly refusal: string;
  readonly isUnknownWord?: boolean;
}

interface Proof {
  /** The state of the work, where the status tool knows it. */
  readonly state?: PollAnswer;
  readonly evidence: readonly Held[];
  /** Whether the status tool has told that state. */
  readonly isProved?: boolean;
  /** Whether the status tool is not to be asked again. */
  readonly isDisproved?: boolean;
  /** Whether it has answered, and what it says is none of a pair: an earlier proof no longer holds. */
  readonly isAnswered?: boolean;
}

/** Asks the status tool, before any wait, whether it knows the handle. */
async function probe(handle: unknown, chosen: Candidate, exchange: Exchange): Promise<Proof> {
  const { status } = chosen.proposal;
  const failed = [{ name: 'no-state', says: `\`${status}\` did not tell a state` }];
  try {
    const state = await retryRequest(() => pollPair(handle, { ...exchange, holdMs: 0 }), {
      retries: PROBE_RETRIES,
      signal: exchange.signal,
      // A server may be busy, or not know at once of what it has just started.
      isTransient: error =>
        error instanceof StatusCheckError
          ? error.retryable
          : error instanceof TaskNotFoundError && chosen.proposal.isStrong,
      onFailure: () => {},
    });
    if (state.raw === undefined)
      return isHeld(chosen)
        ? { state, evidence: [{ name: 'held', points: 0, says: `\`${status}\` holds its answer back` }] }
        : { evidence: failed };
    const raw = toolResultSchema.safeParse(state.raw);
    if (!raw.success) return { evidence: failed };
    const { isPair, evidence } = verdictOf(raw.data, chosen);
    return isPair ? { state, evidence, isProved: true } : { evidence, isDisproved: true, isAnswered: true };
  } catch (error) {
    // An aborted call keeps the answer that it has.
    const isDisproved = !exchange.signal.aborted && !isRequestTimeout(error);
    const isAnswered = error instanceof TaskNotFoundError || error instanceof ProtocolViolationError;
    return { evidence: failed, isDisproved, isAnswered };
  }
}

function told({ status }: Proposal, reasons: readonly string[]): Detected {
  return { statusTool: status, used: false, reasons };
}

/**
 * The answer as it came.
 * @param likely the proposal that the answer may well be one of
 */
function plain(answer: CallToolResult, detected: Detected, likely?: Proposal): StartAnswer {
  const hint = likely?.isStrong === true && { hint: hintOf(likely, detected.reasons.at(-1) ?? '') };
  return {
    kind: 'ended',
    outcome: outcomeOfResult(answer),
    raw: answer,
    protocol: sync,
    detected: { ...detected, ...hint },
  };
}

function hintOf({ status, argument }: Proposal, why: string): string {
  return `The answer looks like that of a job under way, but ${why.replace(/^but /, '')}: it was taken for the result. If it is a job, tell its pair: a profile in \`pairs\` (--status-tool ${status} --id-arg ${argument}).`;
}
