import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type {
  CallToolResult,
  CallToolResultSchema,
  ListToolsResult,
  Tool,
} from '@modelcontextprotocol/sdk/types.js';
import type { FoundPair, Port } from '../protocols/protocol.js';
import { Turns } from '../time/turns.js';
import type { TaskReference, ToolCall } from '../types.js';
import { type AgentTool, agentTools, type ToolsOptions } from './agent-tools.js';
import { CallStats, type ClientStats } from './call-stats.js';
import { CallWatches } from './call-watch.js';
import { resolveCircuitOptions } from './circuit-options.js';
import { Circuits } from './circuits.js';
import { type ConnectOptions, type ConnectTarget, connectClient } from './connect.js';
import { LastingTransport } from './connection/lasting-transport.js';
import type { ConnectionEvent } from './events.js';
import { InputDesk } from './input/input-desk.js';
import type { Journal } from './journal/journal.js';
import { openJournal } from './journal/open-journal.js';
import { type KnownDurations, knownDurations } from './known-durations.js';
import { nativeTasksOf } from './native-tasks.js';
import { tapNotifications } from './notification-tap.js';
import { OpenRuns } from './open-runs.js';
import {
  type AwaitClientOptions,
  type CallOptions,
  defaultWaitOptions,
  type ResolvedWaitOptions,
  resolveWaitOptions,
} from './options.js';
import { pairsFor, resolvePairOptions } from './pair-options.js';
import { PassThrough } from './pass-through.js';
import { Places } from './places.js';
import { PollScheduler, pollRate } from './poll-scheduler.js';
import { parseResult } from './readable-answers.js';
import { parseReference, protocolOf, referenceWithWords } from './reference.js';
import { ResourceUpdates } from './resource-updates.js';
import type { RunContext } from './run-context.js';
import { fromSdkOptions, type SdkCallOptions } from './sdk-call-options.js';
import { type Ready, sdkPort } from './sdk-port.js';
import { TaskHandle } from './task-handle.js';
import { readNews, TaskNews } from './task-news.js';
import { TaskRun } from './task-run.js';
import { toldOnce, tolerantRequests } from './tolerant-requests.js';
import { ToolCatalog } from './tool-catalog.js';
import { traceCall } from './tracing/call-trace.js';
import { portWithMeta } from './tracing/port-with-meta.js';

/** Requests that the server may hold at the same time; each is a connection over HTTP. */
const MOST_HELD_REQUESTS = 32;
/** Starts under way at the same time; each is a connection over HTTP. */
const MOST_STARTS = 100;

/** How one tool is awaited, and whether an agent sees it. */
export interface ToolExplanation {
  readonly tool: string;
  readonly protocol: string;
  readonly why: string;
  /** The pair that the tool may be the start of, where no profile tells of it: what speaks for it, and against it. */
  readonly found?: FoundPair;
  /** Whether `listTools` leaves it out, because another tool's plan uses it by itself. */
  readonly hidden: boolean;
  /** The tool as an agent should see it. */
  readonly definition: Tool;
}

/**
 * A client whose `callTool` returns the final result of any tool, however long it takes.
 *
 * @example
 * const client = await AwaitClient.connect('http://127.0.0.1:3000/mcp');
 * const result = await client.callTool({ name: 'render_video', arguments: { scene: 'intro' } });
 */
export class AwaitClient extends PassThrough {
  readonly #options: AwaitClientOptions;
  readonly #wait: ResolvedWaitOptions;
  readonly #ready: Ready;
  readonly #port: Port;
  readonly #listPage: Client['listTools'];
  readonly #catalog: ToolCatalog;
  readonly #openRuns = new OpenRuns();
  readonly #durations: KnownDurations;
  readonly #holdPlaces = new Places(MOST_HELD_REQUESTS);
  readonly #startPlaces = new Places(MOST_STARTS);
  readonly #turns = new Turns();
  readonly #scheduler: PollScheduler;
  readonly #news = new TaskNews();
  readonly #resources: ResourceUpdates;
  readonly #follow: RunContext['follow'];
  readonly #journal: Journal | undefined;
  readonly #stats = new CallStats();
  readonly #circuits: Circuits | undefined;
  readonly #desk: InputDesk;

  /**
   * A client on a connection of the caller's own, which is for the caller to make anew when it is lost.
   * @param sdkClient a connected v1 client of @modelcontextprotocol/sdk
   * @throws ConfigurationError when an option is not usable
   */
  constructor(sdkClient: Client, options: AwaitClientOptions = {}) {
    const onProblems = toldOnce((method, problems) =>
      options.onEvent?.({ type: 'list-repaired', method, problems }),
    );
    const requests = tolerantRequests(sdkClient, onProblems);
    super(sdkClient, requests);
    this.#listPage = requests.listTools as Client['listTools'];
    this.#options = options;
    this.#wait = resolveWaitOptions(options, defaultWaitOptions);
    this.#scheduler = new PollScheduler(pollRate(options));
    const { transport } = sdkClient;
    const connection = transport instanceof LastingTransport ? transport : undefined;
    this.#ready = signal => connection?.ready(signal);
    this.#follow = taskIds => connection?.follow(taskIds);
    this.#desk = new InputDesk(sdkClient, options.onInput);
    this.#port = sdkPort(sdkClient, this.#ready, this.#desk.open);
    this.#journal = openJournal(sdkClient, options);
    this.#catalog = new ToolCatalog({
      client: sdkClient,
      port: this.#port,
      closed: this.#openRuns.closed,
      proofs: this.#journal?.proofs(),
      pairs: resolvePairOptions(options),
      onProblems: problems => onProblems('tools/list', problems),
    });
    this.#resources = new ResourceUpdates({
      port: this.#port,
      isOffered: () => sdkClient.getServerCapabilities()?.resources?.subscribe === true,
      closed: this.#openRuns.closed,
    });
    const breaker = resolveCircuitOptions(options.circuitBreaker);
    this.#circuits = breaker && new Circuits(breaker, options.onEvent);
    this.#durations = knownDurations(sdkClient, this.#journal?.durations());
    connection?.observe(event => this.#onConnection(event, connection));
    tapNotifications(sdkClient, notification => {
      if (notification.method === 'notifications/tools/list_changed') this.#catalog.forget();
      const news = readNews(notification);
      if (news !== undefined) this.#news.tell(news);
    });
  }

  /**
   * Connects to a server: an `http(s)://` URL, `{url, headers}`, `{command, args, env}`, or a name in the nearest
   * `.mcp.json` or `mcp.json`. A connection that is lost is made anew, and every wait goes on.
   * @throws ConfigurationError when the target makes no sense, or the journal cannot be opened; ServerUnavailableError
   * when the server does not answer
   */
  static async connect(target: ConnectTarget, options: ConnectOptions = {}): Promise<AwaitClient> {
    // Before there is a connection that would have to be closed again.
    resolveWaitOptions(options, defaultWaitOptions);
    resolveCircuitOptions(options.circuitBreaker);
    resolvePairOptions(options);
    const pairs = pairsFor(target, options);
    const client = new AwaitClient(await connectClient(target, options), { ...options, pairs });
    try {
      await client.#journal?.open();
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /**
   * Calls a tool and returns its final result. A task that failed or was cancelled is a result with `isError: true`
   * and `structuredContent` `{status, error: {code, message}}`.
   * @param resultSchema parses the final result, as in the SDK
   * @throws AwaitError when something went wrong on our side, such as `AwaitTimeoutError` with a resumable
   * `reference`; the SDK's `McpError` when the server refused the call
   */
  async callTool(
    call: ToolCall,
    resultSchema?: typeof CallToolResultSchema,
    options?: CallOptions & SdkCallOptions,
  ): Promise<CallToolResult> {
    await this.#turns.next();
    const result = await new TaskHandle(this.#begin(call, fromSdkOptions(options))).result();
    return resultSchema === undefined ? result : parseResult(result, resultSchema, call.name);
  }

  /**
   * Calls a tool and returns its handle once the server has accepted the job. A tool that answers at once gives a
   * finished handle, a synchronous one a handle whose call is under way.
   * @throws AwaitError or the SDK's `McpError` when the job could not be started
   */
  async startTool(call: ToolCall, options?: CallOptions): Promise<TaskHandle> {
    await this.#turns.next();
    const run = this.#begin(call, { ...options, inlineWaitMs: options?.inlineWaitMs ?? 0 });
    await run.accepted();
    return new TaskHandle(run);
  }

  /**
   * Goes on waiting for a task that this or another process has started on the same server.
   * @throws ConfigurationError when it is no reference of this version
   */
  async resumeTask(given: TaskReference, options: CallOptions = {}): Promise<TaskHandle> {
    const parsed = parseReference(given);
    protocolOf(parsed);
    const known = await this.#journal?.find(parsed);
    const reference = referenceWithWords(parsed, this.#options.words);
    return new TaskHandle(new TaskRun(this.#context({ name: parsed.tool }, options), { reference, known }));
  }

  /** The tools that an agent should see: long ones look like ordinary ones, their status and cancel tools are left out. */
  async listTools(...parameters: Parameters<Client['listTools']>): Promise<ListToolsResult> {
    const [page, plans] = [
      await this.#catalog.retry(() => this.#listPage(...parameters), this.#wait),
      await this.#catalog.plans(this.#wait),
    ];
    const visible = page.tools.filter(tool => !plans.hidden.has(tool.name));
    return { ...page, tools: visible.map(tool => plans.byTool.get(tool.name)?.listed ?? tool) };
  }

  /**
   * The tools of `listTools` with a function each, for an agent's loop: what goes wrong with a call is a result that the
   * model can read.
   * @throws ConfigurationError when `background` is set and `onResult` is not
   */
  tools(options?: ToolsOptions): Promise<AgentTool[]> {
    return agentTools(this, options);
  }

  /** How each tool of the server is awaited, and why. */
  async explainTools(): Promise<ToolExplanation[]> {
    const { byTool, hidden } = await this.#catalog.plans(this.#wait);
    return [...byTool].map(([tool, { protocol, why, found, listed }]) => ({
      tool,
      protocol: protocol.name,
      why,
      ...(found !== undefined && { found }),
      hidden: hidden.has(tool),
      definition: listed,
    }));
  }

  /** What the calls of each tool came to since this client was made: counts, requests, mean duration, circuit breaker. */
  stats(): ClientStats {
    return this.#stats.read(tool => this.#circuits?.stats(tool));
  }

  /** Ends every wait with `AwaitAbortedError`, then closes the wrapped client. Tasks of their own go on. */
  async close(): Promise<void> {
    this.#openRuns.close();
    await this.sdkClient.close().finally(() => this.#journal?.close());
  }

  #onConnection(event: ConnectionEvent, connection: LastingTransport): void {
    if (event.type === 'connection-restored' && event.newSession) this.#beginAnew();
    this.#options.onEvent?.(event);
    if (event.type === 'connection-lost') this.#desk.open.clear();
    // The tasks of a server that runs them itself go on only when it does.
    if (event.type === 'connection-lost' && this.#openRuns.size > 0) connection.restore();
  }

  /** In a new session the server knows of nothing to tell, and may be another version. */
  #beginAnew(): void {
    this.#catalog.forget();
    this.#resources.renew();
    this.#news.tellMissed();
  }

  #begin(call: ToolCall, options: CallOptions = {}): TaskRun {
    const context = this.#context(call, options);
    return new TaskRun(context, { call, plan: this.#catalog.plan(call.name, context.wait) });
  }

  #context({ name, _meta }: ToolCall, options: CallOptions): RunContext {
    // Before anybody hears of a call whose options are wrong.
    const wait = resolveWaitOptions(options, this.#wait);
    const { closed } = this.#openRuns;
    const trace = traceCall({ tool: name, meta: _meta, client: this.sdkClient, closed });
    const watches = [this.#circuits?.watch(name), this.#stats.watch(name), trace?.watch];
    const watch = new CallWatches(watches.filter(each => each !== undefined));
    return {
      ready: this.#ready,
      port: trace === undefined ? this.#port : portWithMeta(this.#port, trace.meta),
      tool: name,
      wait,
      call: options,
      onEvent: event => {
        watch.hear(event);
        this.#options.onEvent?.(event);
      },
      openRuns: this.#openRuns,
      durations: this.#durations,
      holdPlaces: this.#holdPlaces,
      startPlaces: this.#startPlaces,
      scheduler: this.#scheduler,
      news: this.#news,
      resources: this.#resources,
      follow: this.#follow,
      journal: this.#journal,
      watch,
      desk: this.#desk,
      nativeTasks: () => nativeTasksOf(this.sdkClient),
    };
  }
}
