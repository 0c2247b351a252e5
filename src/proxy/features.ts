import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  type ServerNotification,
  type ServerRequest,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { RelayedError, relayed, unknownName } from './call-answer.js';
import type { Upstream } from './upstream.js';
import { relay, type Upstreams } from './upstreams.js';

/** What the SDK hands a handler along with a request of the host. */
export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;
type Json = Record<string, unknown>;
interface HostRequest {
  readonly method: string;
  readonly params: Json;
}

/** A host that subscribes to more is broken, or means harm. */
const MOST_SUBSCRIPTIONS = 1000;

export interface Features {
  /** Says again what the host has asked of an upstream whose session is another one. */
  restore(upstream: Upstream): Promise<void>;
}

/** Serves everything but tools: resources, prompts, completions and the log level go to the upstreams that have them. */
export function serveFeatures(server: Server, upstreams: () => Upstreams): Features {
  const subscriptions = new Map<string, Upstream>();
  let level: HostRequest | undefined;

  const sendTo = async (
    upstream: Upstream,
    { method, params }: HostRequest,
    { signal }: Pick<Extra, 'signal'>,
  ) => {
    const client = await upstream.client();
    const { _meta, ...rest } = params;
    const { progressToken: _ours, ...meta } = (_meta ?? {}) as Json;
    const sent = { ...rest, ...(Object.keys(meta).length > 0 && { _meta: meta }) };
    return relay(client, { method, params: sent }, { signal });
  };

  /** The first answer of those that may know. @throws the first refusal */
  async function firstOf(
    candidates: readonly Upstream[],
    request: HostRequest,
    extra: Pick<Extra, 'signal'>,
  ) {
    const refusals: unknown[] = [];
    for (const upstream of candidates) {
      try {
        return { upstream, answer: await sendTo(upstream, request, extra) };
      } catch (error) {
        extra.signal.throwIfAborted();
        refusals.push(relayed(error));
      }
    }
    throw (
      refusals[0] ??
      new RelayedError(ErrorCode.InvalidParams, `No server behind this proxy takes ${request.method}`)
    );
  }

  async function prompt(name: unknown) {
    const found = (await upstreams().prompts()).get(String(name));
    if (found === undefined) throw unknownName('prompt', String(name), upstreams().all);
    return found.route;
  }

  server.setRequestHandler(ListResourcesRequestSchema, async () => ({
    resources: (await upstreams().resources('resources/list')) as never,
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async () => ({
    resourceTemplates: (await upstreams().resources('resources/templates/list')) as never,
  }));
  server.setRequestHandler(ReadResourceRequestSchema, async (request, extra) => {
    const { answer } = await firstOf(upstreams().ownersOf(request.params.uri), request, extra);
    return answer;
  });
  server.setRequestHandler(SubscribeRequestSchema, async (request, extra) => {
    const { uri } = request.params;
    if (subscriptions.size >= MOST_SUBSCRIPTIONS && !subscriptions.has(uri))
      throw new RelayedError(
        ErrorCode.InvalidRequest,
        `Too many subscriptions: at most ${MOST_SUBSCRIPTIONS}`,
      );
    const { upstream, answer } = await firstOf(upstreams().ownersOf(uri), request, extra);
    subscriptions.set(uri, upstream);
    return answer;
  });
  server.setRequestHandler(UnsubscribeRequestSchema, async (request, extra) => {
    const { uri } = request.params;
    const owner = subscriptions.get(uri);
    subscriptions.delete(uri);
    const candidates = owner === undefined ? upstreams().ownersOf(uri) : [owner];
    return (await firstOf(candidates, request, extra)).answer;
  });
  server.setRequestHandler(ListPromptsRequestSchema, async () => ({
    prompts: [...(await upstreams().prompts()).values()].map(({ definition }) => definition),
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ method, params }, extra) => {
    const { owner, name } = await prompt(params.name);
    return (await firstOf([owner], { method, params: { ...params, name } }, extra)).answer;
  });
  server.setRequestHandler(CompleteRequestSchema, async ({ method, params }, extra) => {
    const { ref } = params;
    if (ref.type === 'ref/prompt') {
      const { owner, name } = await prompt(ref.name);
      return (await firstOf([owner], { method, params: { ...params, ref: { ...ref, name } } }, extra))
        .answer as never;
    }
    return (await firstOf(upstreams().ownersOf(ref.uri), { method, params }, extra)).answer as never;
  });
  server.setRequestHandler(SetLevelRequestSchema, async (request, extra) => {
    level = request;
    const able = upstreams().all.filter(({ capabilities }) => capabilities?.logging !== undefined);
    await Promise.allSettled(able.map(upstream => sendTo(upstream, request, extra)));
    return {};
  });

  return {
    async restore(upstream) {
      const { signal } = new AbortController();
      if (level !== undefined && upstream.capabilities?.logging !== undefined)
        await sendTo(upstream, level, { signal }).catch(() => {});
      for (const [uri, owner] of subscriptions) {
        if (owner !== upstream) continue;
        const request = { method: 'resources/subscribe', params: { uri } };
        await sendTo(upstream, request, { signal }).catch(() => {});
      }
    },
  };
}
