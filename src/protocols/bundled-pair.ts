import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { NotSupportedError, TaskNotFoundError } from '../errors.js';
import type { ToolCall } from '../types.js';
import {
  readMany,
  readMarked,
  readStart,
  readStatus,
  requestError,
  type StatusAbilities,
  type TaskId,
  taskIdSchema,
} from './bundled-answers.js';
import type { BundledProfile, WaitArgument } from './bundled-profile.js';
import { excerptOf } from './excerpt.js';
import { mcpAwaitPair } from './mcp-await-pair.js';
import type { Exchange, Protocol, ServerFacts, ToolPlan } from './protocol.js';
import { toolResultSchema } from './readable-result.js';
import { isRecord } from './tool-result.js';

const builtInPairs: readonly BundledProfile[] = [mcpAwaitPair];

const handleSchema = z.object({
  pair: z.string(),
  id: taskIdSchema,
  /** Whether the status tool takes the profile's wait argument. */
  holds: z.boolean().optional(),
  /** Whether it takes many handles at a time. */
  many: z.boolean().optional(),
});

/** The bundled server's pair, which can do more than others: hold its answers, tell of many tasks at once, mark its tools. */
export const bundledPair: Protocol = {
  name: 'tool-pair',
  plan(tool, server) {
    const profile = builtInPairs.find(
      candidate => candidate.start.tool === tool.name || isMarked(tool, candidate),
    );
    if (profile === undefined || !offers(server, profile)) return undefined;
    return isMarked(tool, profile) ? planOfMarked(tool, profile, server) : planOf(tool, profile, server);
  },
  async poll(handle, exchange) {
    const { profile, id, holds } = readHandle(handle);
    const { tool, handleArgument, waitArgument } = profile.status;
    const wait = holds ? waitFor(waitArgument, exchange) : {};
    const call = { name: tool, arguments: { [handleArgument]: id, ...wait } };
    return readStatus(await callTool(call, exchange), profile, id);
  },
  holds(handle) {
    return readHandle(handle).holds;
  },
  topics(handle) {
    return [String(readHandle(handle).id)];
  },
  many: {
    groupOf(handle) {
      const { profile, many } = readHandle(handle);
      return many ? { name: profile.name, most: profile.status.many?.most ?? 1 } : undefined;
    },
    async poll(handles, exchange) {
      const parsed = handles.map(readHandle);
      const [first] = parsed;
      if (first?.profile.status.many === undefined) return [];
      const { tool, many } = first.profile.status;
      const ids = parsed.map(({ id }) => id);
      const answer = await callTool({ name: tool, arguments: { [many.argument]: ids } }, exchange);
      return readMany(answer, first.profile, ids);
    },
  },
  async cancel(handle, exchange) {
    const { profile, id } = readHandle(handle);
    const { cancel } = profile;
    if (cancel === undefined)
      throw new NotSupportedError(
        `The pair \`${profile.name}\` has no cancel tool: the task cannot be cancelled, and whoever waits for it can stop waiting.`,
      );
    const answer = await callTool(
      { name: cancel.tool, arguments: { [cancel.handleArgument]: id } },
      { ...exchange, holdMs: 0 },
    );
    if (answer.isError === true) throw requestError(answer, profile, `cancel the task ${excerptOf(id)}`, id);
  },
};

/** Whether a handle is of the bundled server's pair. */
export function isBundled(handle: unknown): boolean {
  return isRecord(handle) && handle.pair === mcpAwaitPair.name;
}

function planOf(tool: Tool, profile: BundledProfile, server: ServerFacts): ToolPlan {
  const idempotencyArgument = idempotencyArgumentOf(tool, profile);
  const { waitArgument } = profile.start;
  return {
    ...planFacts(profile, server),
    idempotent: idempotencyArgument !== undefined,
    listed: listedTool(tool),
    async start(call, exchange) {
      const wait = takes(tool, waitArgument?.name) ? waitFor(waitArgument, exchange) : {};
      const keyed = withIdempotencyKey(call, idempotencyArgument, exchange);
      const waiting = { ...keyed, arguments: { ...wait, ...keyed.arguments } };
      return readStart(await callTool(waiting, exchange), profile, abilitiesOf(profile, server));
    },
  };
}

/** A tool that takes the work's own arguments: what else is to be said goes beside them. */
function planOfMarked(tool: Tool, profile: BundledProfile, server: ServerFacts): ToolPlan {
  const { idempotencyArgument, waitArgument } = profile.start;
  const { outputSchema: _replaced, _meta: _mark, ...listed } = tool;
  return {
    ...planFacts(profile, server),
    idempotent: idempotencyArgument !== undefined,
    listed,
    async start(call, exchange) {
      const { callKey = '' } = profile.marked ?? {};
      const key = exchange.idempotencyKey;
      const said = {
        ...(waitArgument !== undefined && { [waitArgument.name]: 0 }),
        ...waitFor(waitArgument, exchange),
        ...(idempotencyArgument !== undefined && key !== undefined && { [idempotencyArgument]: key }),
      };
      const own = call._meta?.[callKey];
      const _meta = { ...call._meta, [callKey]: { ...said, ...(isRecord(own) && own) } };
      return readMarked(await callTool({ ...call, _meta }, exchange), profile, abilitiesOf(profile, server));
    },
  };
}

function planFacts(profile: BundledProfile, server: ServerFacts) {
  const helpers = [profile.status.tool, profile.cancel?.tool].filter(name => name !== undefined);
  return {
    protocol: bundledPair,
    why: `\`${profile.status.tool}\` tells the state of what it starts (profile \`${profile.name}\`)`,
    blocking: false,
    hiddenTools: helpers.filter(name => server.tools.some(other => other.name === name)),
  } as const;
}

function isMarked(tool: Tool, { name, marked }: BundledProfile): boolean {
  return marked !== undefined && tool._meta?.[marked.definitionKey] === name;
}

function abilitiesOf({ status }: BundledProfile, server: ServerFacts): StatusAbilities {
  const tool = server.tools.find(({ name }) => name === status.tool);
  return {
    ...(takes(tool, status.waitArgument?.name) && { holds: true }),
    ...(takes(tool, status.many?.argument) && { many: true }),
  };
}

/** The profile knows the argument; a tool that lists its arguments without it would refuse it, or not heed it. */
function idempotencyArgumentOf({ inputSchema }: Tool, { start }: BundledProfile): string | undefined {
  const { idempotencyArgument } = start;
  const { properties } = inputSchema;
  const isTaken = properties === undefined || Object.hasOwn(properties, idempotencyArgument ?? '');
  return isTaken ? idempotencyArgument : undefined;
}

function takes(tool: Tool | undefined, argument: string | undefined): boolean {
  return argument !== undefined && Object.hasOwn(tool?.inputSchema.properties ?? {}, argument);
}

function waitFor(argument: WaitArgument | undefined, { holdMs }: Exchange): Record<string, number> {
  if (argument === undefined || holdMs <= 0) return {};
  return { [argument.name]: Math.min(holdMs / 1000, argument.mostSeconds) };
}

function offers(server: ServerFacts, profile: BundledProfile): boolean {
  return server.tools.some(tool => tool.name === profile.status.tool);
}

/** The answer of an awaited call is the task's result, so the start tool's output schema no longer describes it. */
function listedTool(tool: Tool): Tool {
  const { outputSchema: _replaced, ...rest } = tool;
  const note = 'This call waits for the task and returns its final result; there is nothing to poll.';
  return { ...rest, description: [tool.description, note].filter(Boolean).join('\n\n') };
}

function withIdempotencyKey(
  call: ToolCall,
  argument: string | undefined,
  { idempotencyKey }: Exchange,
): ToolCall {
  if (argument === undefined || idempotencyKey === undefined) return call;
  return { ...call, arguments: { [argument]: idempotencyKey, ...call.arguments } };
}

function callTool(call: ToolCall, exchange: Exchange): Promise<CallToolResult> {
  const { port, signal, requestTimeoutMs, holdMs, onProgress } = exchange;
  return port.request({ method: 'tools/call', params: call }, toolResultSchema, {
    signal,
    timeoutMs: requestTimeoutMs + holdMs,
    ...(holdMs > 0 && { onProgress }),
  });
}

interface PairHandle {
  readonly profile: BundledProfile;
  readonly id: TaskId;
  readonly holds: boolean;
  readonly many: boolean;
}

function readHandle(handle: unknown): PairHandle {
  const parsed = handleSchema.safeParse(handle);
  const profile = builtInPairs.find(candidate => candidate.name === parsed.data?.pair);
  if (!parsed.success || profile === undefined) {
    throw new TaskNotFoundError(
      'The reference does not name a known pair of tools; it may come from a newer version of mcp-await.',
    );
  }
  const { id, holds = false, many = false } = parsed.data;
  return { profile, id, holds, many };
}
