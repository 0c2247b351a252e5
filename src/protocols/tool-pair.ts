import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ToolCall } from '../types.js';
import { type Arguments, argumentsOf, dataOf, follow } from './pair/answer-data.js';
import { readMarkedAnswer, readStartAnswer, readStatusAnswer } from './pair/answers.js';
import { completePair } from './pair/complete-pair.js';
import { newHandle, readHandle } from './pair/handle.js';
import { type Pair, withWords } from './pair/profile.js';
import { tellsWhere } from './pair/state.js';
import { cancelPair, pollGroupOf, pollMany, pollPair, sendCall, waitFor } from './pair/steps.js';
import { builtInPairs, namedPairs } from './pairs/index.js';
import type { Exchange, Protocol, ServerFacts, StartAnswer, ToolPlan } from './protocol.js';
import { sync } from './sync.js';
import {
  isMarked,
  isMarkedIdempotent,
  isMeant,
  lacks,
  profileProblem,
  starts,
  startTools,
  takes,
  unstartable,
} from './tool-definition.js';
import { isRecord, outcomeOfResult } from './tool-result.js';

/** A start tool returns a handle, another tool tells its state. Which tools, and in which words, is a profile: data. */
export const toolPair: Protocol = {
  name: 'tool-pair',
  plan(tool, server) {
    const told = firstPlan(tool, server.pairs ?? [], server) ?? planMistold(tool, server);
    if (told !== undefined) return told;
    // MCP's own tasks tell more than any status tool, except where the server itself says which pair to use.
    const pairs = isNativeTask(tool, server)
      ? builtInPairs.filter(pair => isMarked(tool, pair))
      : builtInPairs;
    return firstPlan(tool, pairs, server);
  },
  poll: pollPair,
  cancel: cancelPair,
  holds: handle => readHandle(handle).holds === true,
  topics: handle => readHandle(handle).ids.map(String),
  many: { groupOf: pollGroupOf, poll: pollMany },
};

/** A tool of which the user has told what the server does not have. */
function planMistold(tool: Tool, server: ServerFacts): ToolPlan | undefined {
  for (const pair of server.pairs ?? []) {
    const unusable = starts(tool, pair)
      ? profileProblem(pair, server)
      : isMeant(tool, pair, server) && unstartable(pair, server);
    if (unusable)
      return { ...sync.plan(tool, server), protocol: toolPair, why: unusable, unusable } as ToolPlan;
  }
  return undefined;
}

function firstPlan(tool: Tool, pairs: readonly Pair[], server: ServerFacts): ToolPlan | undefined {
  for (const pair of pairs) {
    if (!starts(tool, pair)) continue;
    const isBuiltIn = builtInPairs.includes(pair) || namedPairs.includes(pair);
    if (!isBuiltIn && profileProblem(pair, server) !== undefined) continue;
    const told = server.words === undefined ? pair : withWords(pair, server.words);
    const plan = planPair(tool, told, server);
    if (plan !== undefined) return plan;
  }
  return undefined;
}

function isNativeTask({ execution }: Tool, { nativeTasks }: ServerFacts): boolean {
  const support = execution?.taskSupport;
  return nativeTasks === '2025-11-25' && (support === 'optional' || support === 'required');
}

/** How a start tool of a known pair is awaited; undefined where the server has not all of the pair. */
function planPair(tool: Tool, told: Pair, server: ServerFacts): ToolPlan | undefined {
  const statusTool = server.tools.find(({ name }) => name === told.status.tool);
  if (statusTool === undefined || lacks(statusTool, told.status.handleArgument)) return undefined;
  if (told.result !== undefined && !hasTool(server, told.result.tool)) return undefined;
  const pair = tellsWhere(told) ? told : completePair(told, server.tools);
  const { marked } = startTools(pair).includes(tool.name) ? {} : pair;
  const key = pair.start.idempotencyArgument;
  const takesKey = key !== undefined && (marked !== undefined || !lacks(tool, key));
  const keyArgument = takesKey ? key : undefined;
  const { waitArgument: wait } = pair.start;
  const waitArgument = marked !== undefined || (wait && takes(tool, wait.name)) ? wait : undefined;
  const starting = { pair, tool, statusTool, keyArgument, waitArgument };
  return {
    protocol: toolPair,
    why: `\`${pair.status.tool}\` tells the state of what it starts (profile \`${pair.name}\`)`,
    startKind: 'task',
    holdsStart: waitArgument !== undefined,
    idempotent: keyArgument !== undefined || isMarkedIdempotent(tool),
    // Of no use to a call.
    get listed() {
      return marked === undefined ? listedTool(tool) : listedMarked(tool);
    },
    get hiddenTools() {
      return hiddenTools(tool, pair, server);
    },
    start: (call, exchange) =>
      marked === undefined
        ? start({ call, exchange, ...starting })
        : startMarked({ call, exchange, ...starting }, marked),
  };
}

function hasTool({ tools }: ServerFacts, name: string): boolean {
  return tools.some(tool => tool.name === name);
}

interface Starting {
  readonly call: ToolCall;
  readonly exchange: Exchange;
  readonly pair: Pair;
  readonly tool: Tool;
  readonly statusTool: Tool;
  readonly keyArgument: string | undefined;
  readonly waitArgument: Pair['start']['waitArgument'];
}

async function start({ call, exchange, ...starting }: Starting): Promise<StartAnswer> {
  const { pair, tool, statusTool, keyArgument, waitArgument } = starting;
  const fixed = Object.entries(pair.start.arguments ?? {}).filter(([path]) => takes(tool, path));
  const sent = {
    ...call,
    arguments: argumentsOf(
      call.arguments,
      keyArgument !== undefined && keyed(keyArgument, exchange),
      waitArgument && waitFor(waitArgument, exchange),
      Object.fromEntries(fixed),
    ),
  };
  const answer = await sendCall(sent, exchange);
  // One tool for both: this call may ask for a task that another call has started.
  const asked = call.name === pair.status.tool ? idIn(call, pair) : undefined;
  if (asked === undefined || answer.isError === true)
    return readStartAnswer(answer, pair, { call: sent, statusTool });
  const read = readStatusAnswer(answer, pair, asked);
  return { ...read, handle: newHandle([asked], pair, { call: sent, statusTool, data: dataOf(answer) }) };
}

/** A tool that takes the work's own arguments: what else is to be said goes beside them. */
async function startMarked(
  { call, exchange, pair, statusTool, keyArgument, waitArgument }: Starting,
  { callKey, taskKey }: NonNullable<Pair['marked']>,
): Promise<StartAnswer> {
  const given = call._meta?.[callKey];
  const said = argumentsOf(
    isRecord(given) && given,
    keyArgument !== undefined && keyed(keyArgument, exchange),
    waitArgument && waitFor(waitArgument, exchange),
  );
  const sent = { ...call, _meta: { ...call._meta, [callKey]: said } };
  const answer = await sendCall(sent, exchange);
  const task = answer._meta?.[taskKey];
  if (!isRecord(task)) return { kind: 'ended', outcome: outcomeOfResult(answer), raw: answer };
  return readMarkedAnswer(answer, task, pair, { call: sent, statusTool });
}

function keyed(argument: string, { idempotencyKey }: Exchange): Arguments | undefined {
  return idempotencyKey === undefined ? undefined : { [argument]: idempotencyKey };
}

function idIn({ arguments: given }: ToolCall, { status }: Pair): string | number | undefined {
  const [value] = follow(given, status.handleArgument.split('.'));
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

function hiddenTools(tool: Tool, pair: Pair, { tools }: ServerFacts): readonly string[] {
  const own = [tool.name, ...startTools(pair)];
  const named = [pair.status.tool, pair.result?.tool, pair.cancel?.tool, ...pair.hides];
  return tools.flatMap(({ name }) => (named.includes(name) && !own.includes(name) ? [name] : []));
}

/** The answer of an awaited call is the task's result, so the start tool's output schema no longer describes it. */
function listedTool(tool: Tool): Tool {
  const { outputSchema: _replaced, ...rest } = tool;
  const note = 'This call waits for the task and returns its final result; there is nothing to poll.';
  return { ...rest, description: [tool.description, note].filter(Boolean).join('\n\n') };
}

/** A marked tool answers with the result in any case. */
function listedMarked({ outputSchema: _replaced, _meta: _mark, ...rest }: Tool): Tool {
  return rest;
}
