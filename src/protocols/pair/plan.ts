import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ToolCall } from '../../types.js';
import { isMarkedIdempotent } from '../listed-tool.js';
import type { Exchange, Protocol, ServerFacts, StartAnswer, ToolPlan } from '../protocol.js';
import { isRecord, outcomeOfResult } from '../tool-result.js';
import { dataOf, follow } from './answer-data.js';
import { type Arguments, argumentsOf } from './arguments.js';
import { completePair } from './complete-pair.js';
import { takes } from './handle.js';
import { type Pair, starts, startTools } from './profile.js';
import { lacks } from './profile-problem.js';
import { newHandle, readMarkedAnswer, readStartAnswer } from './start-answer.js';
import { readStatusAnswer } from './status-answer.js';
import { neededTools, sendCall, waitFor } from './steps.js';

/** How a start tool of a known pair is awaited; undefined where the server has not all of the pair. */
export function planPair(
  tool: Tool,
  told: Pair,
  server: ServerFacts,
  protocol: Protocol,
): ToolPlan | undefined {
  if (!starts(tool, told) || !offers(server, told)) return undefined;
  const pair = completePair(told, server.tools);
  const statusTool = server.tools.find(({ name }) => name === pair.status.tool);
  const { marked } = startTools(pair).includes(tool.name) ? {} : pair;
  const key = pair.start.idempotencyArgument;
  const keyArgument = marked === undefined && lacks(tool, key ?? '') ? undefined : key;
  const starting = { pair, tool, statusTool, keyArgument };
  return {
    protocol,
    why: `\`${pair.status.tool}\` tells the state of what it starts (profile \`${pair.name}\`)`,
    startKind: 'task',
    idempotent: keyArgument !== undefined || isMarkedIdempotent(tool),
    listed: marked === undefined ? listedTool(tool) : listedMarked(tool),
    hiddenTools: hiddenTools(tool, pair, server),
    start: (call, exchange) =>
      marked === undefined
        ? start({ call, exchange, ...starting })
        : startMarked({ call, exchange, ...starting }, marked),
  };
}

/** Whether the server has the tools of a pair, and its status tool the argument for the handle. */
export function offers(server: ServerFacts, pair: Pair): boolean {
  const has = (name: string) => server.tools.some(tool => tool.name === name);
  const statusTool = server.tools.find(({ name }) => name === pair.status.tool);
  return neededTools(pair).every(has) && !(statusTool && lacks(statusTool, pair.status.handleArgument));
}

interface Starting {
  readonly call: ToolCall;
  readonly exchange: Exchange;
  readonly pair: Pair;
  readonly tool: Tool;
  readonly statusTool: Tool | undefined;
  readonly keyArgument: string | undefined;
}

async function start({ call, exchange, ...starting }: Starting): Promise<StartAnswer> {
  const { pair, tool, statusTool, keyArgument } = starting;
  const { waitArgument } = pair.start;
  const fixed = Object.entries(pair.start.arguments ?? {}).filter(([path]) => takes(tool, path));
  const sent = {
    ...call,
    arguments: argumentsOf(
      call.arguments,
      keyed(keyArgument, exchange),
      takes(tool, waitArgument?.name) && waitFor(waitArgument, exchange),
      Object.fromEntries(fixed),
    ),
  };
  const answer = await sendCall(sent, exchange);
  const asked = idAskedFor(call, pair);
  if (asked === undefined || answer.isError === true)
    return readStartAnswer(answer, pair, { call: sent, statusTool });
  // One tool for both: this call asks for a task that another call has started.
  const read = readStatusAnswer(answer, pair, asked);
  return { ...read, handle: newHandle([asked], pair, { call: sent, statusTool, data: dataOf(answer) }) };
}

/** A tool that takes the work's own arguments: what else is to be said goes beside them. */
async function startMarked(
  { call, exchange, pair, statusTool, keyArgument }: Starting,
  { callKey, taskKey }: NonNullable<Pair['marked']>,
): Promise<StartAnswer> {
  const given = call._meta?.[callKey];
  const said = argumentsOf(
    isRecord(given) && given,
    keyed(keyArgument, exchange),
    waitFor(pair.start.waitArgument, exchange),
  );
  const sent = { ...call, _meta: { ...call._meta, [callKey]: said } };
  const answer = await sendCall(sent, exchange);
  const task = answer._meta?.[taskKey];
  if (!isRecord(task)) return { kind: 'ended', outcome: outcomeOfResult(answer), raw: answer };
  return readMarkedAnswer(answer, task, pair, { call: sent, statusTool });
}

function keyed(argument: string | undefined, { idempotencyKey }: Exchange): Arguments | undefined {
  return argument === undefined || idempotencyKey === undefined ? undefined : { [argument]: idempotencyKey };
}

function idAskedFor({ name, arguments: given }: ToolCall, { status }: Pair): string | number | undefined {
  if (name !== status.tool) return undefined;
  const [value] = follow(given, status.handleArgument.split('.'));
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

function hiddenTools(tool: Tool, pair: Pair, server: ServerFacts): readonly string[] {
  const own = new Set(startTools(pair));
  const named = [...neededTools(pair), pair.cancel?.tool, ...pair.hides];
  return server.tools
    .map(({ name }) => name)
    .filter(name => name !== tool.name && !own.has(name) && named.includes(name));
}

/** The answer of an awaited call is the task's result, so the start tool's output schema no longer describes it. */
export function listedTool(tool: Tool): Tool {
  const { outputSchema: _replaced, ...rest } = tool;
  const note = 'This call waits for the task and returns its final result; there is nothing to poll.';
  return { ...rest, description: [tool.description, note].filter(Boolean).join('\n\n') };
}

/** A marked tool answers with the result in any case. */
function listedMarked({ outputSchema: _replaced, _meta: _mark, ...rest }: Tool): Tool {
  return rest;
}
