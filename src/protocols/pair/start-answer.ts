import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { isEndStatus, type ToolCall } from '../../types.js';
import type { StartAnswer } from '../protocol.js';
import { outcomeOfResult } from '../tool-result.js';
import { type AnswerData, dataOf } from './answer-data.js';
import { collectArguments } from './arguments.js';
import { argumentSchema, handleOf, idsIn, isSmall, type TaskId } from './handle.js';
import { outcomeOf } from './outcome.js';
import type { Pair } from './profile.js';
import { readState } from './state.js';
import { running, violation } from './status-answer.js';

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
  if (ids.length === 0 || (pair.start.tellsEnd && state !== undefined && isEndStatus(state.status))) {
    if (state?.status === 'working' || state?.status === 'input_required')
      throw violation(`\`${call.name}\` answered that its task is running, without a handle`, answer);
    // A start that was quick enough answers with the result.
    const status = state !== undefined && isEndStatus(state.status) ? state.status : 'completed';
    return { kind: 'ended', outcome: outcomeOf(status, answer, data, pair), raw: answer };
  }
  const handle = newHandle(ids, pair, { call, statusTool, data });
  if (!isSmall(handle))
    throw violation(`\`${call.name}\` answered with a handle that is too long to keep`, answer);
  // A start answer tells of the start: "success" may be its own. Only the status tool ends a task.
  const told = state?.status === 'input_required' ? state.status : 'working';
  const { unknownWord: _word, ...facts } = running(answer, data, pair, { status: told });
  return { ...facts, handle };
}

/** The handle of tasks that were just started, with what later calls need to know of the start. */
export function newHandle(
  ids: readonly TaskId[],
  pair: Pair,
  { call, statusTool, data }: Started & { readonly data: AnswerData },
): unknown {
  const givers = { call: call.arguments, answer: data };
  return handleOf({
    pair: pair.name,
    profile: pair,
    ids: [...ids],
    ...given('status', collectArguments(pair.status.arguments, givers)),
    ...given('cancel', collectArguments(pair.cancel?.arguments, givers)),
    ...given('result', collectArguments(pair.result?.arguments, { call: call.arguments })),
    ...(holds(pair, statusTool) && { holds: true }),
  });
}

function holds({ status }: Pair, tool: Tool | undefined): boolean {
  return status.waitArgument !== undefined && argumentSchema(tool, status.waitArgument.name) !== undefined;
}

function given<Key extends string>(key: Key, values: Readonly<Record<string, unknown>>) {
  return Object.keys(values).length === 0 ? {} : ({ [key]: values } as Record<Key, typeof values>);
}
