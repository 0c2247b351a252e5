import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  InitializeRequestSchema,
  LATEST_PROTOCOL_VERSION,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  type RequestId,
  RootsListChangedNotificationSchema,
  SetLevelRequestSchema,
  SUPPORTED_PROTOCOL_VERSIONS,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { InputAnswer, InputHandler } from '../client/input/input-handler.js';
import { anyResult } from '../protocols/native-task.js';
import { RequestError } from '../server/request-error.js';
import { serveOffer } from '../server/revision-2025-11-25/mcp-server.js';
import { newDeferred } from '../time/deferred.js';
import { untilAborted } from '../time/signals.js';
import { VERSION } from '../version.js';
import { relayed } from './call-answer.js';
import { featureAnswers, firstOf, type HostRequest, sendTo } from './feature-answers.js';
import { HostCalls } from './host-calls.js';
import { connectUpstreams, hostOffer, type ProxyParts } from './host-offer.js';
import { ALL_CAPABILITIES, instructionsOf, mergedCapabilities } from './introduction.js';
import { JoinedNotifications, type Notification } from './joined-notifications.js';
import type { Upstream } from './upstream.js';
import { Upstreams } from './upstreams.js';

/** A person may take their time. */
const ANSWER_WITHIN_MS = 3_600_000;

/** How long a host may wait for the answer to `initialize`: what has not come by then comes later. */
const FIRST_CONTACT_MS = 8000;

const SERVER_INFO = { name: 'mcp-await-proxy', version: VERSION };

/** What hosts are told of a list by. */
const LISTS = { tools: 'tools', prompts: 'prompts', resources: 'resources', resourceTemplates: 'resources' };

interface HostSessionOptions extends ProxyParts {
  readonly principal: string;
  /** Whether a result that is sent now reaches the host. */
  readonly isListening: () => boolean;
  /** Whether the host is asked on the stream of a call of its own, where it has one open. */
  readonly asksOnCalls: boolean;
}

/** The proxy as one host sees it in a session of 2025-11-25: an MCP server whose upstreams are connected for this host alone. */
export function createHostSession(options: HostSessionOptions): Server {
  const { principal, patience, onNotice, isListening, asksOnCalls } = options;
  const server = new Server(SERVER_INFO, { capabilities: ALL_CAPABILITIES });
  const ready = newDeferred();
  const calls = new HostCalls();
  const joined = new JoinedNotifications(notification => void tell(notification));
  let upstreams = new Upstreams([], { onNotice });
  let isGone = false;
  let hostName: string | undefined;

  server.setRequestHandler(InitializeRequestSchema, async ({ params }) => {
    // A second one would leave the upstreams of the first without a host.
    if (upstreams.all.length > 0)
      throw new RequestError(ErrorCode.InvalidRequest, 'The session is open already');
    hostName = params.clientInfo.name;
    upstreams = connectUpstreams(
      options,
      {
        capabilities: params.capabilities,
        onInput: hostQuestions({
          server,
          ready: ready.promise,
          request: () => (asksOnCalls ? calls.latest() : undefined),
        }),
        onNotification: announce,
        onNewSession(upstream) {
          void features.restore(upstream);
          for (const list of ['tools', 'resources', 'prompts'])
            announce({ method: `notifications/${list}/list_changed` });
        },
      },
      list => joined.add({ method: `notifications/${LISTS[list]}/list_changed` }),
    );
    await upstreams.settle(FIRST_CONTACT_MS);
    return {
      protocolVersion: SUPPORTED_PROTOCOL_VERSIONS.includes(params.protocolVersion)
        ? params.protocolVersion
        : LATEST_PROTOCOL_VERSION,
      capabilities: mergedCapabilities(upstreams.all, options.listsTasks),
      serverInfo: SERVER_INFO,
      instructions: await instructionsOf(upstreams.all),
    };
  });
  server.oninitialized = ready.resolve;
  const offer = hostOffer({
    parts: options,
    principal,
    upstreams: () => upstreams,
    calls,
    begunAt: Date.now(),
    limitMs: (host, upstream) => patience.limitMs(host, upstream),
    isListening,
    endsCalls: () => !isGone,
  });
  const stop = serveOffer(server, {
    offer,
    principal,
    onCall: id => calls.open(id),
    clientName: () => hostName,
  });
  server.onclose = () => {
    isGone = true;
    stop();
    joined.close();
    for (const upstream of upstreams.all) upstream.leave();
  };
  server.setNotificationHandler(RootsListChangedNotificationSchema, async () => {
    for (const { connected } of upstreams.all) await connected?.sendRootsListChanged().catch(() => {});
  });
  const features = serveFeatures(server, () => upstreams);

  /** Once the host can hear of it. */
  function announce(notification: Notification): void {
    void ready.promise.then(() => joined.add(notification));
  }

  /** Whoever has gone hears of nothing more. */
  async function tell(notification: Notification) {
    await server.transport?.send({ jsonrpc: '2.0', ...notification }).catch(() => {});
  }

  return server;
}

interface HostQuestionsOptions {
  readonly server: Server;
  /** Settles when the host may be asked. */
  readonly ready: Promise<void>;
  /** A request of the host that is open, on whose stream it is to be asked; undefined to ask it on its own. */
  readonly request: () => RequestId | undefined | Promise<RequestId>;
}

/** Puts the questions of upstreams to the host, as they are. */
function hostQuestions({ server, ready, request }: HostQuestionsOptions): InputHandler {
  return async ({ method, params, signal }) => {
    await ready;
    const relatedRequestId = await untilAborted(Promise.resolve(request()), signal);
    const question = { method, params } as Parameters<Server['request']>[0];
    const answer = await server
      .request(question, anyResult, {
        signal,
        timeout: ANSWER_WITHIN_MS,
        ...(relatedRequestId !== undefined && { relatedRequestId }),
      })
      .catch(error => {
        throw relayed(error);
      });
    return answer as unknown as InputAnswer;
  };
}

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

interface Features {
  /** Says again what the host has asked of an upstream whose session is another one. */
  restore(upstream: Upstream): Promise<void>;
}

/** Serves everything but tools: resources, prompts, completions and the log level go to the upstreams that have them. */
function serveFeatures(server: Server, upstreams: () => Upstreams): Features {
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
