import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { INSTRUCTIONS, type Offer, SERVER_INFO } from '../offer.js';
import { callTool } from './call-tool.js';
import type { CallerContext } from './envelope.js';
import { answerTaskMethod } from './task-methods.js';
import {
  CODE,
  errorMessage,
  META,
  type ModernRequest,
  RequestError,
  resultMessage,
  TASKS_EXTENSION,
  VERSIONS,
} from './wire.js';

export const CAPABILITIES = { tools: {}, extensions: { [TASKS_EXTENSION]: {} } };

/** Whose lists these are, and for how long: what a principal sees is not another's to keep. */
const NOT_CACHED = { ttlMs: 0, cacheScope: 'private' };

/** Answers every request but `subscriptions/listen`, which has no end of its own. @throws RequestError */
export async function resultOf(
  request: ModernRequest,
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
export function failureMessage(id: ModernRequest['id'], error: unknown): JSONRPCMessage {
  return errorMessage(id, asRequestError(error));
}

export function asRequestError(error: unknown): RequestError {
  return error instanceof RequestError ? error : new RequestError(CODE.internal, 'Internal error');
}

async function route(
  request: ModernRequest,
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
      return { tools: [...offer.tools.values()].map(tool => tool.definition), ...NOT_CACHED };
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
