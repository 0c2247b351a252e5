import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type {
  CallToolResult,
  CallToolResultSchema,
  ListToolsResult,
  Tool,
} from '@modelcontextprotocol/sdk/types.js';
import type { FoundPair } from '../protocols/protocol.js';
import type { TaskReference, ToolCall } from '../types.js';
import { refuseUnknownOptions } from '../unknown-option.js';
import { type AgentTool, agentTools, type ToolsOptions } from './agent/agent-tools.js';
import { CallRun } from './call/call-run.js';
import { parseReference, protocolOf, referenceWithWords } from './call/reference.js';
import { type ClientServices, clientServices, type RunContext } from './client-services.js';
import {
  type ConnectOptions,
  type ConnectTarget,
  clientOptionsOf,
  connectClient,
  refuseUnknownConnection,
} from './connect/connect.js';
import { resolveCircuitOptions } from './faults/circuits.js';
import {
  type AwaitClientOptions,
  type CallOptions,
  clientOptionNames,
  defaultWaitOptions,
  resolveWaitOptions,
} from './options.js';
import { parseResult } from './sdk/readable-answers.js';
import { fromSdkOptions, resolveCallOptions, type SdkCallOptions } from './sdk/sdk-call-options.js';
import { PassThrough, toldOnce, tolerantRequests } from './sdk/tolerant-requests.js';
import { TaskHandle } from './task-handle.js';
import { pairsFor, resolvePairOptions } from './tools/pair-options.js';
import { AdmissionLimiter } from './waiting/limiter.js';
import type { ClientStats } from './watches/call-stats.js';

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
  readonly #services: ClientServices;
  readonly #listPage: Client['listTools'];
  readonly #admissions = new AdmissionLimiter();

  /**
   * A client on the caller's own connection, which the caller must open again when it is lost.
   * @param sdkClient a connected v1 client of @modelcontextprotocol/sdk
   * @throws ConfigurationError when an option is not usable
   */
  constructor(sdkClient: Client, options: AwaitClientOptions = {}) {
    refuseUnknownOptions('`AwaitClient`', options, clientOptionNames);
    const onProblems = toldOnce((method, problems) =>
      options.onEvent?.({ type: 'list-repaired', method, problems }),
    );
    const requests = tolerantRequests(sdkClient, onProblems);
    super(sdkClient, requests);
    this.#listPage = requests.listTools as Client['listTools'];
    this.#options = options;
    this.#services = clientServices(sdkClient, options, onProblems);
  }

  /**
   * Connects to a server: an `http(s)://` URL, `{url, headers}`, `{command, args, env}`, or a name in the nearest
   * `.mcp.json` or `mcp.json`. A lost connection is opened again, and every wait goes on.
   * @throws ConfigurationError when the target makes no sense, or the journal cannot be opened; ServerUnavailableError
   * when the server does not answer
   */
  static async connect(target: ConnectTarget, options: ConnectOptions = {}): Promise<AwaitClient> {
    // Wrong options throw before a connection is opened.
    refuseUnknownConnection(target, options);
    resolveWaitOptions(options, defaultWaitOptions);
    resolveCircuitOptions(options.circuitBreaker);
    resolvePairOptions(options);
    const pairs = pairsFor(target, options);
    const client = new AwaitClient(await connectClient(target, options), {
      ...clientOptionsOf(options),
      pairs,
    });
    try {
      await client.#services.journal?.open();
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
    await this.#admissions.next();
    const result = await this.#begin(call, options && fromSdkOptions(options)).result();
    return resultSchema === undefined ? result : parseResult(result, resultSchema, call.name);
  }

  /**
   * Calls a tool and returns its handle once the server has accepted the job. A tool that answers at once gives a
   * finished handle, a synchronous one a handle whose call is under way.
   * @throws AwaitError or the SDK's `McpError` when the job could not be started
   */
  async startTool(call: ToolCall, options?: CallOptions): Promise<TaskHandle> {
    await this.#admissions.next();
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
    const known = await this.#services.journal?.find(parsed);
    const reference = referenceWithWords(parsed, this.#options.words);
    return new TaskHandle(new CallRun(this.#context({ name: parsed.tool }, options), { reference, known }));
  }

  /** The tools that an agent should see: long ones look like ordinary ones, their status and cancel tools are left out. */
  async listTools(...parameters: Parameters<Client['listTools']>): Promise<ListToolsResult> {
    const { catalog, wait } = this.#services;
    const page = await catalog.retry(() => this.#listPage(...parameters), wait);
    const plans = await catalog.plans(wait);
    const { hidden } = plans;
    const visible = page.tools.filter(tool => !hidden.has(tool.name));
    return { ...page, tools: visible.map(tool => plans.of(tool.name)?.listed ?? tool) };
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
    const { catalog, wait } = this.#services;
    const { all, hidden } = await catalog.plans(wait);
    return [...all].map(([tool, { protocol, why, found, listed }]) => ({
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
    return this.#services.stats.read();
  }

  /** Ends every wait with `AwaitAbortedError`, then closes the wrapped client. Tasks of their own go on. */
  async close(): Promise<void> {
    const { openRuns, journal } = this.#services;
    openRuns.close();
    await this.sdkClient.close().finally(() => journal?.close());
  }

  #begin(call: ToolCall, options: CallOptions | undefined): CallRun {
    const context = this.#context(call, options);
    return new CallRun(context, { call, plan: this.#services.catalog.plan(call.name, context.wait) });
  }

  #context({ name, _meta }: ToolCall, call: CallOptions | undefined): RunContext {
    const services = this.#services;
    // Wrong options throw before the call is observed.
    const wait = call === undefined ? services.wait : resolveCallOptions(call, services.wait);
    return { services, tool: name, wait, call: call ?? {}, watch: services.stats.watch(name, _meta) };
  }
}
