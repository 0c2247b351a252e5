import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { NotSupportedError, StatusCheckError, TaskNotFoundError } from '../../errors.js';
import type { Outcome, ToolCall } from '../../types.js';
import { excerpt } from '../excerpt.js';
import type { Ended, Exchange, PollAnswer, PollGroup } from '../protocol.js';
import { toolResultSchema } from '../readable-result.js';
import { isRequestTimeout, refusalOf } from '../refusal.js';
import { isRecord, outcomeOfResult, textOf } from '../tool-result.js';
import { type Arguments, argumentsOf, collectArguments, dataOf, valueAt, valuesAt } from './answer-data.js';
import { bringsResult, dataFacts } from './answer-facts.js';
import { readStatus, readStatusAnswer, violation } from './answers.js';
import { type PairHandle, readHandle, type TaskId } from './handle.js';
import type { Pair } from './profile.js';
import { refusedByText, refusedRequest, saysNotYet } from './refused-status.js';
import { errorIn, failureBeside, hasReason, joinAnswers } from './state.js';
import { type Fact, subjectOf } from './subject.js';
import { type State, usualState } from './usual-state.js';

/** Asks for the state of all tasks of a handle. */
export async function pollPair(given: unknown, exchange: Exchange): Promise<PollAnswer> {
  const handle = readHandle(given);
  const [only, second] = handle.ids;
  if (only !== undefined && second === undefined) return pollOne(handle, only, exchange);
  // One after another: a server that has been asked for the first is asked for the next.
  const answers: PollAnswer[] = [];
  for (const id of handle.ids) answers.push(await pollOne(handle, id, exchange));
  return joinAnswers(handle.ids, answers);
}

/** Of an answer about many tasks, each task's own; undefined for one that it leaves out. */
export async function pollMany(
  given: readonly unknown[],
  exchange: Exchange,
): Promise<readonly (PollAnswer | Error | undefined)[]> {
  const handles = given.map(readHandle);
  const [first] = handles;
  if (first?.profile.status.many === undefined) return [];
  const { profile } = first;
  const { tool, handleArgument, handleAt } = profile.status;
  const { argument, answersAt } = first.profile.status.many;
  const ids = handles.flatMap(handle => handle.ids);
  const answer = await sendCall({ name: tool, arguments: argumentsOf({ [argument]: ids }) }, exchange);
  const data = dataOf(answer);
  const refused = { id: ids.join(', '), tool, argument: handleArgument };
  if (answer.isError === true)
    throw (
      refusedRequest(data, profile, refused) ??
      violation(`\`${tool}\` answered about ${ids.length} tasks with an error`, answer)
    );
  const entries = valuesAt(data, answersAt).flat().filter(isRecord);
  if (valuesAt(data, answersAt).length === 0)
    throw violation(`\`${tool}\` answered about ${ids.length} tasks without a list`, answer);
  const answers = entries.map((structuredContent): CallToolResult => ({ content: [], structuredContent }));
  const byId = new Map(answers.map(each => [String(valueAt(dataOf(each), handleAt)), each]));
  return ids.map(id => {
    const own = byId.get(String(id));
    if (own === undefined) return undefined;
    try {
      return readStatusAnswer(own, profile, id);
    } catch (error) {
      if (error instanceof Error) return error;
      throw error;
    }
  });
}

/** Handles of the same group may go into one request. */
export function pollGroupOf(handle: unknown): PollGroup | undefined {
  const { profile, ids, many, status } = readHandle(handle);
  const { name, result } = profile;
  const isAlone = ids.length > 1 || status !== undefined || result !== undefined;
  const most = profile.status.many?.max;
  return most === undefined || many !== true || isAlone ? undefined : { name, most };
}

/** @throws NotSupportedError when the pair has no cancel tool */
export async function cancelPair(given: unknown, exchange: Exchange): Promise<void> {
  const handle = readHandle(given);
  const { cancel, name } = handle.profile;
  if (cancel === undefined)
    throw new NotSupportedError(
      `The pair \`${name}\` has no cancel tool: the task cannot be cancelled, and whoever waits for it can stop waiting.`,
    );
  for (const id of handle.ids) {
    const call = {
      name: cancel.tool,
      arguments: argumentsOf({ [cancel.handleArgument]: id }, handle.cancel),
    };
    const answer = await sendCall(call, { ...exchange, holdMs: 0 }, { handle, id });
    if (answer.isError !== true) continue;
    const refused = {
      id,
      tool: cancel.tool,
      argument: cancel.handleArgument,
      failure: 'could not cancel the task',
    };
    throw (
      refusedRequest(dataOf(answer), handle.profile, refused) ??
      new StatusCheckError(
        `\`${cancel.tool}\` could not cancel the task ${id}: ${excerpt(textOf(answer)) || 'it gave no reason'}`,
        { retryable: false },
      )
    );
  }
}

async function pollOne(handle: PairHandle, id: TaskId, exchange: Exchange): Promise<PollAnswer> {
  const { profile } = handle;
  const answer = await ask(handle, id, exchange).catch(error => {
    // The status tool holds its answer back for longer than a request may last.
    if (profile.status.mayHold && isRequestTimeout(error) && !exchange.signal.aborted) return undefined;
    throw error;
  });
  if (answer === undefined) return { kind: 'running', status: 'working', raw: undefined };
  const { read, state } = readStatus(answer, profile, id);
  if (read.kind !== 'ended') return read;
  // A sentence may be about anything: it ends a task when it is told twice.
  if (state?.isSentence === true) {
    const again = await ask(handle, id, { ...exchange, holdMs: 0 })
      .then(second => readStatus(second, profile, id))
      .catch(error => {
        // A server may forget a task with the answer that tells its end.
        if (error instanceof TaskNotFoundError) return undefined;
        throw error;
      });
    if (again !== undefined && again.read.kind !== 'ended') return again.read;
    if (again !== undefined && again.state?.status !== state.status)
      return { kind: 'running', status: 'working', raw: again.read.raw };
  }
  return profile.result !== undefined && isFetched(read, state, profile.result)
    ? await fetchResult({ handle, id, exchange, answer, read, state })
    : read;
}

function ask(handle: PairHandle, id: TaskId, exchange: Exchange): Promise<CallToolResult> {
  const { tool, handleArgument, waitArgument } = handle.profile.status;
  const call = {
    name: tool,
    arguments: argumentsOf(
      { [handleArgument]: id },
      handle.holds && waitFor(waitArgument, exchange),
      handle.status,
    ),
  };
  return sendCall(call, exchange, { handle, id });
}

function isFetched(
  { outcome, raw }: Ended,
  state: State | undefined,
  result: NonNullable<Pair['result']>,
): boolean {
  if (outcome.status === 'cancelled') return false;
  if (result.whenMissing) {
    const data = dataOf(raw as CallToolResult);
    if (outcome.status === 'completed') return !bringsResult(data);
    return state?.isEndAlone === true || !hasReason(data);
  }
  return outcome.status === 'completed' || result.alsoFailed;
}

/** A failure, with what the result tool has of it behind the status answer. */
function withMore(outcome: Extract<Outcome, { status: 'failed' }>, { content }: CallToolResult): Outcome {
  const result = {
    ...outcome.result,
    content: [...(outcome.result?.content ?? []), ...(content ?? [])],
    isError: true,
  };
  return { ...outcome, result };
}

interface Fetching {
  readonly handle: PairHandle;
  readonly id: TaskId;
  readonly exchange: Exchange;
  /** The last status answer. */
  readonly answer: CallToolResult;
  readonly read: Ended;
  readonly state: State | undefined;
}

async function fetchResult({ handle, id, exchange, answer, read, state }: Fetching): Promise<PollAnswer> {
  const { result } = handle.profile;
  if (result === undefined) return read;
  const told = collectArguments(result.arguments, { answer: dataOf(answer) });
  const isMissing = Object.entries(result.arguments).some(
    ([path, source]) => 'answer' in source && told?.[path] === undefined,
  );
  // A task that has no such result has the one that its status answer tells.
  if (isMissing) return read;
  const own = result.handleArgument === undefined ? {} : { [result.handleArgument]: id };
  const call = { name: result.tool, arguments: argumentsOf(own, told, handle.result) };
  const fetched = await sendCall(call, { ...exchange, holdMs: 0 }, { handle, id });
  const isEarly = saysNotYet(textOf(fetched)) || isStateAlone(fetched, handle.profile, id);
  if (read.outcome.status === 'completed' && fetched.isError !== true && isEarly)
    throw nothingThere(id, result.tool, fetched);
  if (result.whenMissing && fetched.isError !== true) {
    const told = endToldBy(fetched, { handle, id, read, state });
    if (told !== undefined) return told;
  }
  if (read.outcome.status === 'failed') return { ...read, outcome: withMore(read.outcome, fetched) };
  if (fetched.isError !== true) return { kind: 'ended', outcome: outcomeOfResult(fetched), raw: fetched };
  throw new StatusCheckError(
    `The task ${id} is completed, but \`${result.tool}\` could not tell its result: ${excerpt(textOf(fetched))}`,
    {
      retryable:
        refusedByText(textOf(fetched), { id, tool: result.tool, argument: '' }) instanceof StatusCheckError,
    },
  );
}

/** Keys of an answer that tells a state and nothing more. */
const STATE_ALONE =
  /^(success|ok|code)$|(stat(us|e)|progress|percent(age)?|message|msg|eta|_at)$|retry_?after/i;

/** Whether an answer says that the task runs, and nothing else: `{"status": "pending"}`. */
function isStateAlone(answer: CallToolResult, profile: Pair, id: TaskId): boolean {
  const data = dataOf(answer);
  const facts = dataFacts(data, undefined, true).flat();
  const isPlain = ({ key, value }: Fact) => STATE_ALONE.test(key) || String(value) === String(id);
  if (data.prose !== '' || facts.length > 10 || !facts.every(isPlain)) return false;
  const state = usualState(data, { subject: subjectOf(profile, [String(id)]), own: profile.words });
  return state?.status === 'working' && state.unknownWord === undefined && state.isSentence !== true;
}

/** Longer is a result, whatever its sentences say. */
const MAX_SAID = 300;

/** A result tool that nobody has told of may say itself that the work failed, or is not done. */
function endToldBy(
  fetched: CallToolResult,
  { handle, id, read, state }: Pick<Fetching, 'handle' | 'id' | 'read' | 'state'>,
): PollAnswer | undefined {
  const data = dataOf(fetched);
  const found = usualState(data, {
    subject: subjectOf(handle.profile, [String(id)]),
    own: handle.profile.words,
  });
  // A sentence of a long report is about anything.
  const own = found?.isSentence === true && data.text.length >= MAX_SAID ? undefined : found;
  // A word that nobody knows may be that of a row of the result.
  if (own?.unknownWord === undefined && (own?.status === 'working' || own?.status === 'input_required'))
    return read.outcome.status === 'failed' && state?.isEndAlone !== true
      ? read
      : { kind: 'running', status: own.status, raw: fetched };
  if (own?.status === 'failed' || own?.status === 'cancelled' || failureBeside(data, handle.profile)) {
    const error = errorIn(data, handle.profile, 'failed');
    return { ...read, outcome: { status: 'failed', error, result: { ...fetched, isError: true } } };
  }
  if (state?.isEndAlone !== true) return undefined;
  const { tool = '' } = handle.profile.result ?? {};
  const refused = refusedByText(data.text, { id, tool, argument: handle.profile.status.handleArgument });
  // Nothing there, although the work has ended: it may come yet.
  if (own === undefined && refused !== undefined && data.text.length < MAX_SAID)
    throw nothingThere(id, tool, fetched);
  return { ...read, outcome: outcomeOfResult(fetched), raw: fetched };
}

function nothingThere(id: TaskId, tool: string, fetched: CallToolResult): StatusCheckError {
  return new StatusCheckError(
    `The task ${id} has ended, but \`${tool}\` has nothing of it: ${excerpt(textOf(fetched))}`,
    { retryable: true },
  );
}

/** How long a tool is to hold its answer back, as its wait argument. */
export function waitFor(argument: Pair['status']['waitArgument'], { holdMs }: Exchange): Arguments {
  if (argument === undefined) return {};
  const { name, mostSeconds, unit, fractions } = argument;
  const seconds = Math.min(Math.max(holdMs, 0) / 1000, mostSeconds);
  const value = unit === 'seconds' ? seconds : seconds * 1000;
  return { [name]: fractions ? value : Math.floor(value) };
}

/** Sends one call of a tool of the pair. @param about the task of which it is: some servers refuse an unknown one with a JSON-RPC error */
export async function sendCall(
  call: ToolCall,
  { port, signal, requestTimeoutMs, holdMs, onProgress }: Exchange,
  about?: { readonly handle: PairHandle; readonly id: TaskId },
): Promise<CallToolResult> {
  const options = { signal, timeoutMs: requestTimeoutMs + holdMs, onProgress };
  try {
    return await port.request({ method: 'tools/call', params: call }, toolResultSchema, options);
  } catch (error) {
    // A server with codes for it has not refused the task by this.
    if (about === undefined || about.handle.profile.status.notFoundCodes !== undefined) throw error;
    const { message } = refusalOf(error) ?? {};
    const refused = { id: about.id, tool: call.name, argument: '' };
    throw (message === undefined ? undefined : refusedByText(message, refused)) ?? error;
  }
}
