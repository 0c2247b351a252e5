import { type CallToolResult, CallToolResultSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { NotSupportedError, ProtocolViolationError, StatusCheckError, TaskNotFoundError } from '../errors.js';
import type { TaskError, TaskStatus, ToolCall } from '../types.js';
import { excerpt } from './excerpt.js';
import type { PairProfile, WaitArgument } from './pair-profile.js';
import { mcpAwaitPair } from './pairs/mcp-await.js';
import { foldWord, readProgress, valueAt } from './payload.js';
import type { Exchange, PollAnswer, Protocol, ServerFacts, StartAnswer, ToolPlan } from './protocol.js';
import { isRecord, outcomeOfResult, payloadOf, resultOfValue, textOf } from './tool-result.js';

const builtInPairs: readonly PairProfile[] = [mcpAwaitPair];

const idSchema = z.union([z.string().min(1), z.number()]);
const handleSchema = z.object({
  pair: z.string(),
  id: idSchema,
  /** Whether the status tool takes the profile's wait argument. */
  holds: z.boolean().optional(),
});

type TaskId = z.infer<typeof idSchema>;

/** A start tool returns a handle, another tool tells its state. Which tools, and in which words, is a `PairProfile`. */
export const toolPair: Protocol = {
  name: 'tool-pair',
  plan(tool, server) {
    const profile = builtInPairs.find(candidate => candidate.start.tool === tool.name);
    return profile !== undefined && offers(server, profile) ? planOf(tool, profile, server) : undefined;
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
  async cancel(handle, exchange) {
    const { profile, id } = readHandle(handle);
    const { cancel } = profile;
    if (cancel === undefined)
      throw new NotSupportedError(`The pair \`${profile.name}\` has no cancel tool; detach() stops waiting.`);
    const answer = await callTool(
      { name: cancel.tool, arguments: { [cancel.handleArgument]: id } },
      { ...exchange, holdMs: 0 },
    );
    if (answer.isError === true) throw requestError(answer, profile, `cancel the task ${id}`, id);
  },
};

/** The handle of a task of the bundled server, of which a person knows only the `task_ref`. */
export function bundledHandle(taskRef: string): unknown {
  return { pair: mcpAwaitPair.name, id: taskRef, holds: true };
}

/** The `task_ref` in a handle of the bundled server; undefined for any other handle. */
export function bundledTaskRef(handle: unknown): string | undefined {
  const parsed = handleSchema.safeParse(handle);
  return parsed.data?.pair === mcpAwaitPair.name ? String(parsed.data.id) : undefined;
}

function planOf(tool: Tool, profile: PairProfile, server: ServerFacts): ToolPlan {
  const idempotencyArgument = idempotencyArgumentOf(tool, profile);
  const { waitArgument } = profile.start;
  const statusTool = server.tools.find(({ name }) => name === profile.status.tool);
  const helpers = [profile.status.tool, profile.cancel?.tool].filter(name => name !== undefined);
  return {
    protocol: toolPair,
    why: `\`${profile.status.tool}\` tells the state of what it starts (profile \`${profile.name}\`)`,
    blocking: false,
    idempotent: idempotencyArgument !== undefined,
    listed: listedTool(tool),
    hiddenTools: helpers.filter(name => server.tools.some(other => other.name === name)),
    async start(call, exchange) {
      const wait = takes(tool, waitArgument) ? waitFor(waitArgument, exchange) : {};
      const keyed = withIdempotencyKey(call, idempotencyArgument, exchange);
      const waiting = { ...keyed, arguments: { ...wait, ...keyed.arguments } };
      return readStart(
        await callTool(waiting, exchange),
        profile,
        takes(statusTool, profile.status.waitArgument),
      );
    },
  };
}

/** The profile knows the argument; a tool that lists its arguments without it would refuse it, or not heed it. */
function idempotencyArgumentOf({ inputSchema }: Tool, { start }: PairProfile): string | undefined {
  const { idempotencyArgument } = start;
  const { properties } = inputSchema;
  const isTaken = properties === undefined || Object.hasOwn(properties, idempotencyArgument ?? '');
  return isTaken ? idempotencyArgument : undefined;
}

function takes(tool: Tool | undefined, argument: WaitArgument | undefined): boolean {
  return argument !== undefined && Object.hasOwn(tool?.inputSchema.properties ?? {}, argument.name);
}

function waitFor(argument: WaitArgument | undefined, { holdMs }: Exchange): Record<string, number> {
  if (argument === undefined || holdMs <= 0) return {};
  return { [argument.name]: Math.min(holdMs / 1000, argument.mostSeconds) };
}

function offers(server: ServerFacts, profile: PairProfile): boolean {
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
  return port.request({ method: 'tools/call', params: call }, CallToolResultSchema, {
    signal,
    timeoutMs: requestTimeoutMs + holdMs,
    ...(holdMs > 0 && { onProgress }),
  });
}

function readStart(answer: CallToolResult, profile: PairProfile, holds: boolean): StartAnswer {
  const outcome = outcomeOfResult(answer);
  if (outcome.status === 'failed') return { kind: 'ended', outcome, raw: answer };
  const { tool, handleAt } = profile.start;
  const payload = payloadOf(answer) ?? violation(`\`${tool}\` answered without data`, answer);
  const id = valueAt(payload, handleAt);
  if (!isTaskId(id)) return violation(`\`${tool}\` answered without a \`${handleAt}\``, answer);
  const handle = { pair: profile.name, id, ...(holds && { holds }) };
  const state = readState(payload, profile, answer);
  // Most start tools tell no state, and some tell that of an earlier call with the same key without its result.
  if (state?.kind === 'ended' && hasEnd(payload, profile)) return { ...state, handle };
  return { ...(state?.kind === 'running' ? state : running(payload, profile)), handle, raw: answer };
}

function hasEnd(payload: Readonly<Record<string, unknown>>, { status }: PairProfile): boolean {
  return valueAt(payload, status.resultAt) !== undefined || valueAt(payload, status.errorAt) !== undefined;
}

function readStatus(answer: CallToolResult, profile: PairProfile, id: TaskId): PollAnswer {
  if (answer.isError === true) throw requestError(answer, profile, `tell the state of the task ${id}`, id);
  const { tool, handleAt, statusAt } = profile.status;
  const payload = payloadOf(answer) ?? violation(`\`${tool}\` answered without data`, answer);
  const other = valueAt(payload, handleAt);
  if (other !== undefined && other !== id) {
    return violation(`\`${tool}\` was asked about ${id} and answered about ${String(other)}`, answer);
  }
  return (
    readState(payload, profile, answer) ?? violation(`\`${tool}\` answered without a \`${statusAt}\``, answer)
  );
}

/** The state that an answer tells; undefined when it tells none. */
function readState(
  payload: Readonly<Record<string, unknown>>,
  profile: PairProfile,
  answer: CallToolResult,
): PollAnswer | undefined {
  const { statusAt, resultAt, errorAt } = profile.status;
  const word = valueAt(payload, statusAt);
  if (typeof word !== 'string') return undefined;
  const status = statusOf(word, profile);
  if (status === undefined) return { ...running(payload, profile), unknownWord: word, raw: answer };
  switch (status) {
    case 'completed':
      return {
        kind: 'ended',
        outcome: { status, result: resultOfValue(valueAt(payload, resultAt) ?? null) },
        raw: answer,
      };
    case 'failed':
    case 'cancelled':
      return {
        kind: 'ended',
        outcome: { status, error: readTaskError(valueAt(payload, errorAt), status) },
        raw: answer,
      };
    case 'working':
    case 'input_required':
      return { ...running(payload, profile), status, raw: answer };
  }
}

function statusOf(word: string, { words }: PairProfile): TaskStatus | undefined {
  const folded = foldWord(word);
  return Object.hasOwn(words, folded) ? words[folded] : undefined;
}

function running(payload: Readonly<Record<string, unknown>>, { status }: PairProfile) {
  const progress = readProgress(valueAt(payload, status.progressAt));
  const hintMs = valueAt(payload, status.pollAfterMsAt);
  return {
    kind: 'running',
    status: 'working',
    ...(progress?.message !== undefined && { message: progress.message }),
    ...(progress !== undefined && { progress }),
    ...(typeof hintMs === 'number' && { hintMs }),
  } as const;
}

function readTaskError(value: unknown, status: 'failed' | 'cancelled'): TaskError {
  const error = isRecord(value) ? value : {};
  const code =
    typeof error.code === 'string' ? error.code : status === 'failed' ? 'TASK_FAILED' : 'CANCELLED';
  const given = typeof value === 'string' ? value : error.message;
  const message =
    typeof given === 'string' && given !== ''
      ? given
      : `The server gave no reason why the task is ${status}.`;
  return { code, message, ...(typeof error.retryable === 'boolean' && { retryable: error.retryable }) };
}

/** A status or cancel tool that reports an error says nothing about the task, except that there is none. */
function requestError(answer: CallToolResult, profile: PairProfile, what: string, id: TaskId): Error {
  const error = payloadOf(answer)?.error;
  if (isRecord(error) && profile.status.notFoundCodes.includes(String(error.code))) {
    return new TaskNotFoundError(
      `The server does not know the task ${id}: the reference is wrong, belongs to somebody else, or has expired.`,
    );
  }
  const retryable = !isRecord(error) || error.retryable !== false;
  const reason = isRecord(error) && typeof error.message === 'string' ? error.message : textOf(answer);
  return new StatusCheckError(`The server could not ${what}: ${excerpt(reason) || 'it gave no reason'}`, {
    retryable,
  });
}

function readHandle(handle: unknown): { profile: PairProfile; id: TaskId; holds: boolean } {
  const parsed = handleSchema.safeParse(handle);
  const profile = builtInPairs.find(candidate => candidate.name === parsed.data?.pair);
  if (!parsed.success || profile === undefined) {
    throw new TaskNotFoundError(
      'The reference does not name a known pair of tools; it may come from a newer version of mcp-await.',
    );
  }
  return { profile, id: parsed.data.id, holds: parsed.data.holds === true };
}

function isTaskId(value: unknown): value is TaskId {
  return idSchema.safeParse(value).success;
}

function violation(what: string, answer: CallToolResult): never {
  throw new ProtocolViolationError(
    `${what}: ${excerpt(JSON.stringify(answer))}. The server does not keep to its own pattern.`,
  );
}
