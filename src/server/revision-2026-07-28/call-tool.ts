import type { Progress } from '../../types.js';
import { isJsonObject } from '../is-record.js';
import type { Offer } from '../offer.js';
import { RequestError } from '../request-error.js';
import { CALL_META } from '../tools/meta-keys.js';
import {
  InvalidStateError,
  isInputRequired,
  type Rounds,
  type ServerTool,
  toolRefusalOf,
} from '../tools/server-tool.js';
import { taskFields } from './detailed-task.js';
import type { CallerContext, Envelope } from './envelope.js';
import { CODE, missingTasks, type WireRequest } from './wire.js';

/**
 * Answers `tools/call` with the result, with a task where the client takes one, or with what the tool asks first.
 * @throws RequestError
 */
export async function callTool(
  { params }: WireRequest,
  { tools }: Offer,
  context: CallerContext,
): Promise<Record<string, unknown>> {
  const { name, arguments: argumentsGiven } = params;
  if (typeof name !== 'string') throw new RequestError(CODE.invalidParams, 'Expected `name` to be a string');
  const tool = await tools.find(name);
  if (argumentsGiven !== undefined && !isJsonObject(argumentsGiven)) {
    throw new RequestError(CODE.invalidParams, 'Expected `arguments` to be an object');
  }
  const { envelope, principal, signal } = context;
  // Whoever sends the pair's own key waits by the pair: its status tool holds the answer back until there is one.
  if (tool.start !== undefined && envelope.takesTasks && !(CALL_META in envelope.meta)) {
    return startTask(tool, { params, context });
  }
  if (tool.definition.execution?.taskSupport === 'required' && !envelope.takesTasks) {
    throw missingTasks(`The tool ${tool.definition.name}`);
  }
  const reportProgress = progressReporter(context);
  const rounds = roundsOf(params, envelope);
  const { meta, clientName } = envelope;
  const call = { principal, signal, clientName, meta, rounds, ...(reportProgress && { reportProgress }) };
  return { ...(await tool.call(argumentsGiven, call).catch(refuseState)) };
}

interface Start {
  readonly params: WireRequest['params'];
  readonly context: CallerContext;
}

async function startTask(
  { start }: ServerTool,
  { params, context }: Start,
): Promise<Record<string, unknown>> {
  const { principal, envelope } = context;
  try {
    const rounds = roundsOf(params, envelope);
    const started = await start?.(params.arguments, { principal, meta: envelope.meta, rounds });
    if (started === undefined) throw new TypeError('Only a tool that can be a task is started.');
    if (isInputRequired(started)) return { ...started };
    return { resultType: 'task', ...taskFields(started, Date.now()) };
  } catch (error) {
    if (error instanceof RequestError) throw error;
    return toolRefusalOf(error);
  }
}

/** What comes back in a later round. @throws RequestError */
function roundsOf(
  { inputResponses, requestState }: WireRequest['params'],
  { clientCapabilities }: Envelope,
): Rounds {
  if (inputResponses !== undefined && !isJsonObject(inputResponses)) {
    throw new RequestError(CODE.invalidParams, 'Expected `inputResponses` to be an object');
  }
  if (requestState !== undefined && typeof requestState !== 'string') {
    throw new RequestError(CODE.invalidParams, 'Expected `requestState` to be a string');
  }
  return { clientCapabilities, responses: inputResponses, state: requestState };
}

function refuseState(error: unknown): never {
  throw error instanceof InvalidStateError ? new RequestError(CODE.invalidParams, error.message) : error;
}

function progressReporter({ envelope, notify }: CallerContext) {
  const { progressToken } = envelope;
  if (progressToken === undefined) return undefined;
  return (progress: Progress) => notify('notifications/progress', { ...progress, progressToken });
}
