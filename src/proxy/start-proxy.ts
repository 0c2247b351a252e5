import { isDeepStrictEqual } from 'node:util';
import { type ElicitResult, ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import type { ConnectionOptions } from '../client/connect/connection-options.js';
import type { InputHandler } from '../client/input/input-handler.js';
import type { WaitOptions } from '../client/options.js';
import type { InputRequest } from '../engine/question.js';
import type { HttpServerOptions } from '../server/http/http-server.js';
import { isOpenToAll, LOCAL_PRINCIPAL } from '../server/http/principals.js';
import { type Caller, fixedTools, type Offer } from '../server/offer.js';
import { RequestError } from '../server/request-error.js';
import { TASKS_EXTENSION } from '../server/revision-2026-07-28/wire.js';
import type { RunningServer } from '../server/start-server.js';
import { type StdioStreams, serveStdio } from '../server/stdio.js';
import { atMost } from '../time/at-most.js';
import { newDeferred } from '../time/deferred.js';
import { featureAnswers } from './feature-answers.js';
import { HostCalls } from './host-calls.js';
import { connectUpstreams, hostOffer, type ProxyParts } from './host-offer.js';
import { createHostSession } from './host-session.js';
import { instructionsOf, mergedCapabilities } from './introduction.js';
import { taskAnswers, taskFeed } from './native-tasks.js';
import { Patience } from './patience.js';
import type { ProxyJournal } from './proxy-journal.js';
import { ProxyTasks } from './proxy-tasks.js';
import type { Upstream, UpstreamTarget } from './upstream.js';
import type { Upstreams } from './upstreams.js';

export interface ProxyOptions {
  readonly targets: readonly UpstreamTarget[];
  /** Where calls of earlier processes are found. */
  readonly journal: ProxyJournal | undefined;
  /**
   * How long a call may take before it is answered with its reference, in milliseconds; `Infinity` for any time.
   * @default what the file says of the server, what is known of the host, or 55 s on streams and any time over HTTP
   */
  readonly hostTimeoutMs?: number | undefined;
  readonly wait: WaitOptions & ConnectionOptions;
  /** Serves these streams; without them HTTP. */
  readonly stdio?: StdioStreams | undefined;
  readonly http?: Omit<HttpServerOptions, 'createMcpServer' | 'offer' | 'watching' | 'onError' | 'now'>;
  /** A line for the operator. */
  readonly onNotice: (line: string) => void;
  readonly onError: (error: unknown) => void;
}

/** Hosts that time out do so after 60 seconds, as the SDK does. */
const HOST_TIMEOUT_MS = 55_000;
/** Each session has connections, and maybe processes, of its own. */
export const MAX_PROXY_SESSIONS = 100;

/**
 * Starts an MCP server in front of others: on streams, or over HTTP.
 * @throws ConfigurationError when the address cannot be listened on
 */
export async function startProxy(options: ProxyOptions): Promise<RunningServer> {
  const { targets, journal, hostTimeoutMs, wait, stdio, http, onNotice, onError } = options;
  const tasks = new ProxyTasks(journal);
  const connected = new Set<Upstream>();
  const patience = new Patience(
    hostTimeoutMs,
    stdio === undefined ? Number.POSITIVE_INFINITY : HOST_TIMEOUT_MS,
  );
  const feed = taskFeed(tasks);
  const listsTasks = http === undefined || !isOpenToAll(http.tokens, http.authorization);
  const parts = { targets, tasks, feed, listsTasks, connected, patience, wait, onNotice };
  const offer = revisionOffer(parts);
  const stopped = newDeferred();
  const idleWithin = (graceMs: number) => atMost(tasks.idle(), graceMs).catch(() => {});
  const release = async () => {
    feed.close();
    await Promise.all([...connected].map(upstream => upstream.close()));
    await journal?.close();
  };
  if (stdio !== undefined) {
    const principal = LOCAL_PRINCIPAL;
    // A host that has closed its side takes no result that it would have to show somebody.
    const isListening = () => !stdio.input.readableEnded;
    const server = createHostSession({ ...parts, principal, isListening, asksOnCalls: false });
    const { gone } = await serveStdio({ server, offer, principal, onError }, stdio);
    const finish = async () => {
      await gone;
      await server.close();
      stdio.output.end();
      await tasks.idle();
      await release();
    };
    return {
      url: undefined,
      ended: Promise.race([finish(), stopped.promise]),
      async close(graceMs = 0) {
        await server.close();
        await idleWithin(graceMs);
        await release();
        stdio.output.end(() => stdio.input.destroy());
        stopped.resolve();
      },
    };
  }
  const { startHttpServer } = await import('../server/http/http-server.js');
  const server = await startHttpServer({
    maxSessions: MAX_PROXY_SESSIONS,
    ...http,
    createMcpServer: principal =>
      createHostSession({ ...parts, principal, isListening: () => true, asksOnCalls: true }),
    offer,
    onError,
  });
  return {
    url: server.url,
    ended: stopped.promise,
    async close(graceMs = 0) {
      await server.close(graceMs, idleWithin(graceMs));
      await release();
      stopped.resolve();
    },
  };
}

interface KnownCaller {
  readonly upstreams: Upstreams;
  readonly offer: Offer;
  /** Of those that have been reached; the first time, all get some time. */
  instructions(): Promise<string>;
}

/** Claude Code waits 2.9 s for the answer to `server/discover`, and has no tasks without it. What has not come by then comes later. */
const FIRST_CONTACT_MS = 1500;
/** What a host of revision 2026-07-28 is asked through its tasks; the other questions are deprecated there. */
const FORMS = { elicitation: { form: {} } };

/**
 * What a host of MCP without sessions (2026-07-28) is offered: calls as tasks of the extension, resources, prompts and
 * completions. Only one that takes tasks gains by it; any other is left to the protocol before, where upstreams can ask anything,
 * log and tell of changes.
 */
function revisionOffer(parts: ProxyParts): Offer {
  const { feed, patience } = parts;
  const begunAt = Date.now();
  /** One or two for each caller, with and without questions: there is a known number of tokens. */
  const byCaller = new Map<string, KnownCaller>();

  function callerOf(principal: string, takesForms: boolean): KnownCaller {
    const key = JSON.stringify([principal, takesForms]);
    const known = byCaller.get(key);
    if (known !== undefined) return known;
    const calls = new HostCalls();
    const upstreams = connectUpstreams(parts, {
      capabilities: takesForms ? FORMS : {},
      onInput: askTask(calls),
      onNotification() {},
      onNewSession() {},
    });
    const settled = upstreams.settle(FIRST_CONTACT_MS);
    let told: string | undefined;
    const caller = {
      upstreams,
      offer: hostOffer({
        parts,
        principal,
        upstreams: () => upstreams,
        calls,
        begunAt,
        limitMs: (host, upstream) => (upstream === undefined ? patience.limitMs(host) : Infinity),
        endsCalls: () => false,
      }),
      async instructions() {
        await settled;
        if (told !== undefined) return told;
        const isWhole = upstreams.all.every(({ connected: client }) => client !== undefined);
        const text = await instructionsOf(upstreams.all);
        if (isWhole) told = text;
        return text;
      },
    };
    byCaller.set(key, caller);
    return caller;
  }

  async function forCaller({ principal, envelope }: Caller): Promise<Offer> {
    const { clientCapabilities, takesTasks } = envelope;
    if (!takesTasks) {
      throw new RequestError(
        ErrorCode.MethodNotFound,
        `This proxy speaks 2026-07-28 with hosts that take tasks (${TASKS_EXTENSION}); speak 2025-11-25 with it`,
        { httpStatus: 404 },
      );
    }
    const { upstreams, offer, ...known } = callerOf(principal, clientCapabilities.elicitation !== undefined);
    const instructions = await known.instructions();
    const { resources, prompts, completions } = mergedCapabilities(upstreams.all, parts.listsTasks);
    return {
      ...offer,
      more: {
        capabilities: {
          ...(resources && { resources: {} }),
          ...(prompts && { prompts: {} }),
          ...(completions && { completions: {} }),
        },
        instructions,
        answer: async ({ method, params }, { signal }) =>
          featureAnswers[method]?.(upstreams, { method, params: { ...params } }, signal),
      },
    };
  }

  return { tools: fixedTools(new Map()), tasks: taskAnswers(parts, () => []), feed, forCaller };
}

/**
 * Puts an upstream's question to the task that it asks for: the one that it names, else the one that was started last, because
 * the question of a call that blocks names none.
 */
function askTask(calls: HostCalls): InputHandler {
  return async ({ method, params, reference, signal }) => {
    const { running } = calls;
    const named = running.find(task => isDeepStrictEqual(task.handleReference, reference));
    const task = reference === undefined ? running.at(-1) : named;
    if (task === undefined || method !== 'elicitation/create')
      throw new RequestError(ErrorCode.MethodNotFound, 'Nobody is there to answer');
    const request = { method, params: params as unknown as InputRequest['params'] } as const;
    return (await task.ask(request, signal)) as ElicitResult;
  };
}
