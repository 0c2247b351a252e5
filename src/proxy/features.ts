import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { RequestError } from '../server/request-error.js';
import { featureAnswers, firstOf, type HostRequest, sendTo } from './feature-answers.js';
import type { Upstream } from './upstream.js';
import type { Upstreams } from './upstreams.js';

/** A host that subscribes to more is broken, or means harm. */
const MAX_SUBSCRIPTIONS = 1000;

const ANSWERED = [
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  ListPromptsRequestSchema,
  GetPromptRequestSchema,
  CompleteRequestSchema,
] as const;

export interface Features {
  /** Says again what the host has asked of an upstream whose session is another one. */
  restore(upstream: Upstream): Promise<void>;
}

/** Serves everything but tools: resources, prompts, completions and the log level go to the upstreams that have them. */
export function serveFeatures(server: Server, upstreams: () => Upstreams): Features {
  const subscriptions = new Map<string, Upstream>();
  let level: HostRequest | undefined;

  for (const schema of ANSWERED) {
    server.setRequestHandler(schema, async ({ method, params = {} }, { signal }) => {
      const answer = await featureAnswers[method]?.(upstreams(), { method, params }, signal);
      return answer as never;
    });
  }
  server.setRequestHandler(SubscribeRequestSchema, async (request, { signal }) => {
    const { uri } = request.params;
    if (subscriptions.size >= MAX_SUBSCRIPTIONS && !subscriptions.has(uri)) {
      throw new RequestError(
        ErrorCode.InvalidRequest,
        `Too many subscriptions: at most ${MAX_SUBSCRIPTIONS}`,
      );
    }
    const { upstream, answer } = await firstOf(upstreams().ownersOf(uri), request, signal);
    subscriptions.set(uri, upstream);
    return answer;
  });
  server.setRequestHandler(UnsubscribeRequestSchema, async (request, { signal }) => {
    const { uri } = request.params;
    const owner = subscriptions.get(uri);
    subscriptions.delete(uri);
    const candidates = owner === undefined ? upstreams().ownersOf(uri) : [owner];
    return (await firstOf(candidates, request, signal)).answer;
  });
  server.setRequestHandler(SetLevelRequestSchema, async (request, { signal }) => {
    level = request;
    const able = upstreams().all.filter(({ capabilities }) => capabilities?.logging !== undefined);
    await Promise.allSettled(able.map(upstream => sendTo(upstream, request, signal)));
    return {};
  });

  return {
    async restore(upstream) {
      const { signal } = new AbortController();
      if (level !== undefined && upstream.capabilities?.logging !== undefined)
        await sendTo(upstream, level, signal).catch(() => {});
      for (const [uri, owner] of subscriptions) {
        if (owner !== upstream) continue;
        const request = { method: 'resources/subscribe', params: { uri } };
        await sendTo(upstream, request, signal).catch(() => {});
      }
    },
  };
}
