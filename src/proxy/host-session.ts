import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type ClientCapabilities,
  type CreateTaskResult,
  ErrorCode,
  InitializeRequestSchema,
  LATEST_PROTOCOL_VERSION,
  ListToolsRequestSchema,
  type RequestId,
  RootsListChangedNotificationSchema,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import type { ConnectionOptions } from '../client/connection-options.js';
import type { InputAnswer, InputHandler } from '../client/input/input-handler.js';
import type { WaitOptions } from '../client/options.js';
import { anyResult } from '../protocols/native-task.js';
import { isUnwanted } from '../server/host-timeouts.js';
import { startNativeTask } from '../server/revision-2025-11-25/start-native-task.js';
import { createStatusNotices } from '../server/revision-2025-11-25/status-notices.js';
import { handleTaskRequests } from '../server/revision-2025-11-25/task-requests.js';
import { stableCallId } from '../server/tools/meta-keys.js';
import { ChangeNotice } from '../time/change-notice.js';
import { newDeferred } from '../time/deferred.js';
import { onDispose } from '../time/on-dispose.js';
import { untilAborted } from '../time/signals.js';
import { VERSION } from '../version.js';
import { answerWithin, awaitTask, awaitToolFor } from './await-task.js';
import { RelayedError, relayed, unknownName } from './call-answer.js';
import { metaForUpstream } from './feature-answers.js';
import { type Extra, serveFeatures } from './features.js';
import { nextProgress } from './host-progress.js';
import { instructionsOf } from './instructions.js';
import { JoinedNotifications } from './joined-notifications.js';
import { ALL_CAPABILITIES, mergedCapabilities } from './merged-capabilities.js';
import { taskAnswers, taskFeed } from './native-tasks.js';
import type { Patience } from './patience.js';
import type { ProxyTask } from './proxy-task.js';
import type { ProxyTasks } from './proxy-tasks.js';
import { AWAIT_TOOL } from './still-running.js';
import { recordOf } from './task-record.js';
import { Upstream, type UpstreamTarget } from './upstream.js';
import { Upstreams } from './upstreams.js';

/** The requests of one host that wait for a call's end, on whose streams it can be asked. */
class OpenCalls {
  readonly #open = new Set<RequestId>();
  readonly #running = new Set<ProxyTask>();
  readonly #entered = new ChangeNotice();

  enter(id: RequestId): Disposable {
    this.#open.add(id);
    this.#entered.announce();
    return onDispose(() => this.#open.delete(id));
  }

  /** Until its end, the host can be expected to come back for the call. */
  follow(task: ProxyTask): void {
    this.#running.add(task);
    const forget = task.listen(() => {
      if (task.end === undefined) return;
      this.#running.delete(task);
      forget();
    });
  }

  /** The last that was opened; the next one where calls go on that nobody waits for; undefined where there are none. */
  latest(): RequestId | undefined | Promise<RequestId> {
    const last = [...this.#open].at(-1);
    if (last !== undefined || this.#running.size === 0) return last;
    return this.#entered.next.then(() => this.latest() as RequestId | Promise<RequestId>);
  }
}

/** A person may take their time. */
const ANSWER_WITHIN_MS = 3_600_000;

interface HostQuestionsOptions {
  readonly server: Server;
  /** Settles when the host may be asked. */
  readonly ready: Promise<void>;
  /** A request of the host that is open, on whose stream it is to be asked; undefined to ask it on its own. */
  readonly request: () => RequestId | undefined | Promise<RequestId>;
}

export interface HostSessionOptions {
  readonly targets: readonly UpstreamTarget[];
  readonly tasks: ProxyTasks;
  /** Every connection of the process, also those whose host has gone. */
  readonly connected: Set<Upstream>;
  readonly principal: string;
  readonly patience: Patience;
  readonly wait: WaitOptions & ConnectionOptions;
  /** Whether a result that is sent now reaches the host. */
  readonly isListening: () => boolean;
  /** Whether the host is asked on the stream of a call of its own, where it has one open. */
  readonly asksOnCalls: boolean;
  readonly onNotice: (line: string) => void;
}

/** How long a host may wait for the answer to `initialize`: what has not come by then comes later. */
const FIRST_CONTACT_MS = 8000;

const SERVER_INFO = { name: 'mcp-await-proxy', version: VERSION };

/** What hosts are told of a list by. */
const LISTS = { tools: 'tools', prompts: 'prompts', resources: 'resources', resourceTemplates: 'resources' };

/** The proxy as one host sees it, in one session: an MCP server whose upstreams are connected for this host alone. */
export function createHostSession(options: HostSessionOptions): Server {
  const { targets, tasks, connected, principal, patience, wait, onNotice, isListening, asksOnCalls } =
    options;
  const begunAt = Date.now();
  const server = new Server(SERVER_INFO, { capabilities: ALL_CAPABILITIES });
  const ready = newDeferred();
  const calls = new OpenCalls();
  const joined = new JoinedNotifications(notification => void tell(notification));
  let upstreams = new Upstreams([], { onNotice });
  let isGone = false;

  server.setRequestHandler(InitializeRequestSchema, async ({ params }) => {
    // A second one would leave the upstreams of the first without a host.
    if (upstreams.all.length > 0)
      throw new RelayedError(ErrorCode.InvalidRequest, 'The session is open already');
    upstreams = connectUpstreams(params.capabilities);
    await upstreams.settle(FIRST_CONTACT_MS);
    return {
      protocolVersion: SUPPORTED_PROTOCOL_VERSIONS.includes(params.protocolVersion)
        ? params.protocolVersion
        : LATEST_PROTOCOL_VERSION,
      capabilities: mergedCapabilities(upstreams.all),
      serverInfo: SERVER_INFO,
      instructions: await instructionsOf(upstreams.all),
    };
  });
  server.oninitialized = ready.resolve;
  const answers = taskAnswers(tasks, () => upstreams.all);
  const notices = createStatusNotices(server, taskFeed(tasks));
  const native = { tasks: answers, principal, onTask: notices.follow };
  handleTaskRequests(server, { ...native, questions: { areTaken: false, ask() {} } });
  server.onclose = () => {
    isGone = true;
    notices.stop();
    joined.close();
    for (const upstream of upstreams.all) upstream.leave();
  };

  server.setRequestHandler(ListToolsRequestSchema, async () => {
    const tools = [...(await upstreams.tools()).values()].map(({ definition }) => definition);
    const calls = await tasks.list(principal, upstreams.all);
    return { tools: [...tools, awaitToolFor(calls.filter(({ startedAt }) => startedAt < begunAt))] };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { name, arguments: args = {}, _meta } = params;
    if (params.task !== undefined) return startTask(params);
    if (name === AWAIT_TOOL) {
      using _open = calls.enter(extra.requestId);
      return await awaitTask(args, { ...answerOptions(extra), principal, upstreams: upstreams.all });
    }
    const { task, upstream } = await startCall(name, args, _meta);
    const { signal, requestId } = extra;
    const cancel = () => {
      if (!isGone && isUnwanted(signal)) task.cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    using _open = calls.enter(requestId);
    try {
      return await answerWithin([task], answerOptions(extra, upstream));
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  });
  server.setNotificationHandler(RootsListChangedNotificationSchema, async () => {
    for (const { connected } of upstreams.all) await connected?.sendRootsListChanged().catch(() => {});
  });
  const features = serveFeatures(server, () => upstreams);

  function connectUpstreams(capabilities: ClientCapabilities): Upstreams {
    const host = {
      capabilities,
      onInput: hostQuestions({
        server,
        ready: ready.promise,
        request: () => (asksOnCalls ? calls.latest() : undefined),
      }),
      onNotification: (notification: { method: string; params?: Record<string, unknown> | undefined }) => {
        void ready.promise.then(() => joined.add(notification));
      },
      onNewSession: (upstream: Upstream) => {
        void features.restore(upstream);
        for (const list of ['tools', 'resources', 'prompts'])
          void ready.promise.then(() => joined.add({ method: `notifications/${list}/list_changed` }));
      },
      onNotice,
    };
    return new Upstreams(
      targets.map(target => {
        const upstream = new Upstream(target, { ...host, onClosed: () => connected.delete(upstream) }, wait);
        connected.add(upstream);
        return upstream;
      }),
      {
        onNotice,
        onLateList: list => joined.add({ method: `notifications/${LISTS[list]}/list_changed` }),
      },
    );
  }

  /** Whoever has gone hears of nothing more. */
  async function tell(notification: { method: string; params?: Record<string, unknown> | undefined }) {
    await server.transport?.send({ jsonrpc: '2.0', ...notification }).catch(() => {});
  }

  async function startCall(
    name: string,
    args: Record<string, unknown>,
    meta: Record<string, unknown> | undefined,
  ): Promise<{ readonly task: ProxyTask; readonly upstream: Upstream }> {
    const found = await upstreams.toolRoute(name);
    if (found === undefined) throw unknownName('tool', name, upstreams.all);
    const theirs = metaForUpstream(meta ?? {});
    const { owner: upstream, name: own } = found;
    const call = { name: own, arguments: args, ...(theirs && { _meta: theirs }) };
    const task = await tasks.start({ principal, upstream, call, tool: name, callId: stableCallId(meta) });
    calls.follow(task);
    return { task, upstream };
  }

  function startTask(params: CallToolRequest['params']): Promise<CreateTaskResult> {
    const { name, arguments: args = {}, _meta } = params;
    const start = async () => recordOf((await startCall(name, args, _meta)).task);
    return startNativeTask(name === AWAIT_TOOL ? {} : { start }, params, native);
  }

  function answerOptions(extra: Extra, upstream?: Upstream) {
    return {
      tasks,
      isListening,
      limitMs: patience.limitMs(server.getClientVersion()?.name, upstream),
      signal: extra.signal,
      report: progressTeller(extra),
    };
  }

  return server;
}

function progressTeller({ _meta, sendNotification }: Extra) {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let last: number | undefined;
  return (told: { progress: number } | undefined) => {
    const next = nextProgress(last, told);
    last = next.progress;
    sendNotification({ method: 'notifications/progress', params: { ...next, progressToken } }).catch(
      () => {},
    );
  };
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
