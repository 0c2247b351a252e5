import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { isEndStatus, type ToolCall } from '../../types.js';
import type { StartAnswer } from '../protocol.js';
import { outcomeOfResult } from '../tool-result.js';
import { type AnswerData, collectArguments, dataOf, isThere } from './answer-data.js';
import { handleOf, idsIn, isSmall, type TaskId, takes } from './handle.js';
import { outcomeOf } from './outcome.js';
import type { Pair } from './profile.js';
import { readState } from './state.js';
import { running, soughtAt, violation } from './status-answer.js';

export interface Started {
  readonly call: ToolCall;
  readonly statusTool: Tool | undefined;
}

/** What the answer to a start is: of a running task, or already the end. Pure. */
export function readStartAnswer(
  answer: CallToolResult,
  pair: Pair,
  { call, statusTool }: Started,
): StartAnswer {
  if (answer.isError === true) return { kind: 'ended', outcome: outcomeOfResult(answer), raw: answer };
  const data = dataOf(answer);
  const state = readState(data, pair);
  const ids = idsIn(data, pair, { statusTool, given: call.arguments });
  const end = state !== undefined && isEndStatus(state.status) ? state.status : undefined;
  if (ids.length === 0) {
    if (pair.start.alwaysHandle || (state !== undefined && end === undefined))
      throw violation(
        `\`${call.name}\` answered without a handle${soughtAt(pair.start.handleAt, '`handleAt`, --id-key')}`,
        answer,
      );
    // A start that was quick enough answers with the result.
    return { kind: 'ended', outcome: outcomeOf(end ?? 'completed', answer, data, pair), raw: answer };
  }
  const handle = newHandle(ids, pair, { call, statusTool, data });
  if (!isSmall(handle))
    throw violation(`\`${call.name}\` answered with a handle that is too long to keep`, answer);
  if (end !== undefined && pair.start.tellsEnd && hasEnd(data, pair))
    return { kind: 'ended', outcome: outcomeOf(end, answer, data, pair), handle, raw: answer };
  // A start answer tells of the start: "success" may be its own. Only the status tool ends a task.
  const told = state?.status === 'input_required' ? state.status : 'working';
  const { unknownWord: _word, ...facts } = running(answer, data, pair, { status: told });
  return { ...facts, handle };
}

/** What the answer of a marked tool is that has started a task. Pure. */
export function readMarkedAnswer(
  answer: CallToolResult,
  task: Readonly<Record<string, unknown>>,
  pair: Pair,
  started: Started,
): StartAnswer {
  const told = { content: [], structuredContent: task };
  const data = dataOf(told);
  const { call, statusTool } = started;
  const ids = idsIn(data, pair, { statusTool, given: call.arguments });
  if (ids.length === 0) throw violation(`\`${call.name}\` answered without a task's handle`, answer);
  const handle = newHandle(ids, pair, { ...started, data });
  const status = readState(data, pair)?.status;
  if (status === undefined || !isEndStatus(status))
    return { ...running(told, data, pair, { status: status ?? 'working' }), handle, raw: answer };
  const outcome =
    status === 'cancelled' ? outcomeOf(status, answer, dataOf(answer), pair) : outcomeOfResult(answer);
  return { kind: 'ended', outcome, handle, raw: answer };
}

/** Whether an answer has an end with its result; an earlier call with the same key may have told only the state. */
function hasEnd(data: AnswerData, { status: { resultAt, errorAt } }: Pair): boolean {
  return resultAt === undefined || isThere(data, resultAt) || isThere(data, errorAt);
}

/** The handle of tasks that were just started, with what later calls need to know of the start. */
export function newHandle(
  ids: readonly TaskId[],
  pair: Pair,
  { call, statusTool, data }: Started & { readonly data: AnswerData },
): unknown {
  const givers = { call: call.arguments, answer: data };
  const { status, cancel, result } = pair;
  const forStatus = status.arguments && collectArguments(status.arguments, givers);
  const forCancel = cancel?.arguments && collectArguments(cancel.arguments, givers);
  const forResult = result && collectArguments(result.arguments, { call: call.arguments });
  return handleOf({
    pair: pair.name,
    profile: pair,
    ids: [...ids],
    ...(forStatus && { status: forStatus }),
    ...(forCancel && { cancel: forCancel }),
    ...(forResult && { result: forResult }),
    ...(takes(statusTool, status.waitArgument?.name) && { holds: true }),
    ...(takes(statusTool, status.many?.argument) && { many: true }),
  });
}
