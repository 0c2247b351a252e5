import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { isEnded } from '../../engine/task-record.js';
import type { Progress } from '../../types.js';
import { isJsonObject } from '../is-record.js';
import { INSTRUCTIONS, type Offer, SERVER_INFO } from '../offer.js';
import { RequestError } from '../request-error.js';
import type { TaskAnswers } from '../task-service.js';
import { toFailure } from '../tool-failure.js';
import { CALL_META } from '../tools/meta-keys.js';
import {
  InvalidStateError,
  isInputRequired,
  type Rounds,
  type ServerTool,
  toolRefusalOf,
} from '../tools/server-tool.js';
import { detailedTask, taskFields } from './detailed-task.js';
import type { CallerContext, Envelope } from './envelope.js';
import {
  CODE,
  expectParameter,
  META,
  missingTasks,
  resultMessage,
  TASKS_EXTENSION,
  VERSIONS,
  type WireRequest,
} from './wire.js';

const CAPABILITIES = { tools: {}, extensions: { [TASKS_EXTENSION]: {} } };

/** Whose lists these are, and for how long: what a principal sees is not another's to keep. */
const NOT_CACHED = { ttlMs: 0, cacheScope: 'private' };

/** Answers every request but `subscriptions/listen`, which has no end of its own. @throws RequestError */
export async function resultOf(
  request: WireRequest,
  offer: Offer,
  context: CallerContext,
): Promise<JSONRPCMessage> {
  const own = (await offer.forCaller?.(context)) ?? offer;
  const result = await route(request, own, context);
  return resultMessage(request.id, stamped(result));
}

/** Every result says what it is, and whose. */
export function stamped(result: Record<string, unknown>): Record<string, unknown> {
  const meta = result._meta as Record<string, unknown> | undefined;
  return { resultType: 'complete', ...result, _meta: { ...meta, [META.serverInfo]: SERVER_INFO } };
}

/** What an error that was thrown is to the client: one that is not meant for it stays with us. */
export function asRequestError(error: unknown): RequestError {
  return error instanceof RequestError ? error : new RequestError(CODE.internal, 'Internal error');
}

async function route(
  request: WireRequest,
  offer: Offer,
  context: CallerContext,
): Promise<Record<string, unknown>> {
  switch (request.method) {
    case 'server/discover':
      return {
        supportedVersions: VERSIONS,
        capabilities: { ...CAPABILITIES, ...offer.more?.capabilities },
        instructions: offer.more?.instructions ?? INSTRUCTIONS,
        ...NOT_CACHED,
      };
    case 'tools/list':
      return { tools: (await offer.tools.list()).map(({ definition }) => definition), ...NOT_CACHED };
    case 'tools/call':
      return callTool(request, offer, context);
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel':
      return answerTaskMethod(request, offer.tasks, context);
    default: {
      const answer = await offer.more?.answer(request, context);
      if (answer !== undefined) return { ...NOT_CACHED, ...answer };
      throw new RequestError(CODE.methodNotFound, `Method not found: ${request.method}`, {
        httpStatus: 404,
      });
    }
  }
}

/**
 * Answers `tasks/get`, `tasks/update` and `tasks/cancel` (extension io.modelcontextprotocol/tasks).
 * @throws RequestError
 */
async function answerTaskMethod(
  { method, params }: WireRequest,
  tasks: TaskAnswers,
  { principal, signal, envelope }: CallerContext,
): Promise<Record<string, unknown>> {
  if (!envelope.takesTasks) throw missingTasks(`The method ${method}`);
  const { taskId, inputResponses } = params;
  expectParameter(typeof taskId === 'string', 'taskId', 'a string');
  if (method === 'tasks/get') {
    const { record, pollAfterMs } = await tasks.look(principal, taskId, signal).catch(refuse);
    return detailedTask(record, Date.now(), pollAfterMs);
  }
  const record = await tasks.resolve(principal, taskId, { waitMs: 0, signal }).catch(refuse);
  switch (method) {
    case 'tasks/cancel':
      if (!isEnded(record)) await tasks.cancel(principal, taskId).catch(refuse);
      return {};
    default:
      expectParameter(isJsonObject(inputResponses), 'inputResponses', 'an object');
      await tasks.answer(principal, taskId, inputResponses).catch(refuse);
      return {};
  }
}

function refuse(error: unknown): never {
  const failure = toFailure(error);
  throw new RequestError(failure.retryable ? CODE.internal : CODE.invalidParams, failure.message, {
    data: failure.toTaskError(),
  });
}

/**
 * Answers `tools/call` with the result, with a task where the client takes one, or with what the tool asks first.
 * @throws RequestError
 */
async function callTool(
  { params }: WireRequest,
  { tools }: Offer,
  context: CallerContext,
): Promise<Record<string, unknown>> {
  const { name, arguments: argumentsGiven } = params;
  expectParameter(typeof name === 'string', 'name', 'a string');
  const tool = await tools.find(name);
  expectParameter(argumentsGiven === undefined || isJsonObject(argumentsGiven), 'arguments', 'an object');
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
  expectParameter(
    inputResponses === undefined || isJsonObject(inputResponses),
    'inputResponses',
    'an object',
  );
  expectParameter(requestState === undefined || typeof requestState === 'string', 'requestState', 'a string');
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
