import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ErrorCode, McpError, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { ConfigurationError, ProtocolViolationError } from '../../errors.js';
import { retryRequest } from '../../pacing/retry-request.js';
import { planTool } from '../../protocols/index.js';
import { anyResult } from '../../protocols/native-task.js';
import type { NativeTasks, PairProofs, Port, ServerFacts, ToolPlan } from '../../protocols/protocol.js';
import { asTaskIfRequired, sync } from '../../protocols/sync.js';
import { leastJsonSize } from '../../storage/large-json.js';
import { neverAborts } from '../../time/signals.js';
import { DEFAULT_MAX_ANSWER_BYTES } from '../connect/connection-options.js';
import { ReconnectingTransport } from '../connection/reconnecting-transport.js';
import * as explain from '../faults/explain.js';
import { classifyFailure, messageOf, retryAfterMsOf } from '../faults/failure.js';
import type { ResolvedWaitOptions } from '../options.js';
import { TASKS_EXTENSION_NAME } from '../revision-2026-07-28/revision-wire.js';
import { ListPages, readInParts } from '../sdk/readable-answers.js';
import type { ResolvedPairOptions } from './pair-options.js';

/** How one server's tools will be awaited: each is planned when it is first asked for. */
class Plans {
  readonly #server: PlannedServer;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #made = new Map<string, ToolPlan>();

  /** @param tools by their names */
  constructor(server: PlannedServer, tools: ReadonlyMap<string, Tool>) {
    this.#server = server;
    this.#tools = tools;
  }

  /** Undefined for a tool that the server does not list. */
  of(name: string): ToolPlan | undefined {
    const made = this.#made.get(name);
    const tool = this.#tools.get(name);
    if (made !== undefined || tool === undefined) return made;
    const { sessionless, ...server } = this.#server;
    // Some servers require tasks of a tool, and do not declare in full that they have them.
    const isTask = !sessionless && tool.execution?.taskSupport === 'required';
    const plan = planTool(tool, isTask ? { ...server, nativeTasks: '2025-11-25' } : server);
    this.#made.set(name, plan);
    return plan;
  }

  /** Of every tool, by its name, in the order of the list. */
  get all(): ReadonlyMap<string, ToolPlan> {
    return new Map([...this.#tools.values()].map(tool => [tool.name, this.of(tool.name) as ToolPlan]));
  }

  /** Tools that plans use by themselves. */
  get hidden(): ReadonlySet<string> {
    if (this.#server.showPairTools) return new Set();
    return new Set([...this.all.values()].flatMap(plan => plan.hiddenTools));
  }
}

/** A server that declares no tools may have some all the same, and may leave the question without an answer. */
const UNDECLARED_TIMEOUT_MS = 5000;

export interface ToolCatalogOptions {
  readonly client: Client;
  readonly port: Port;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
  readonly pairs: ResolvedPairOptions;
  readonly proofs: PairProofs | undefined;
  /** Told what could not be read of the list, as sentences for a person. */
  readonly onProblems: (problems: readonly string[]) => void;
  /** Of all pages of the list together. @default that of one answer */
  readonly maxListBytes?: number | undefined;
}

/** The server's tools and their plans: listed once, at first need, and again after the server says that they changed. */
export class ToolCatalog {
  readonly #port: Port;
  readonly #client: Client;
  readonly #closed: AbortSignal;
  readonly #pairs: ResolvedPairOptions;
  readonly #proofs: PairProofs | undefined;
  readonly #onProblems: ToolCatalogOptions['onProblems'];
  readonly #maxListBytes: number;
  #plans: Promise<Plans> | undefined;
  #forgottenCount = 0;
  /** Of synchronous tools, which the server may take as tasks only without saying so in its list. */
  readonly #asTasks = new Map<string, ToolPlan>();
  /** What `#plans` came to. */
  #known: Plans | undefined;

  constructor(options: ToolCatalogOptions) {
    this.#client = options.client;
    this.#onProblems = options.onProblems;
    this.#port = options.port;
    this.#closed = options.closed;
    this.#pairs = options.pairs;
    this.#proofs = options.proofs;
    this.#maxListBytes = options.maxListBytes ?? DEFAULT_MAX_ANSWER_BYTES;
  }

  forget(): void {
    this.#forgottenCount++;
    this.#plans = undefined;
    this.#known = undefined;
    this.#asTasks.clear();
  }

  /** The plan for one tool; at once where the list is known. @throws ServerUnavailableError when it cannot be had */
  plan(name: string, limits: ListLimits): ToolPlan | Promise<ToolPlan> {
    return this.#known === undefined ? this.#planOnceListed(name, limits) : this.#planIn(this.#known, name);
  }

  /** @throws what the server or the connection answers to `tools/list` */
  plans(limits: ListLimits): Promise<Plans> {
    this.#plans ??= this.#planned(limits);
    return this.#plans;
  }

  async #planned(limits: ListLimits): Promise<Plans> {
    const forgottenCount = this.#forgottenCount;
    try {
      const tools = await this.#list(limits);
      const facts = {
        tools: [...tools.values()],
        proofs: this.#proofs,
        nativeTasks: nativeTasksOf(this.#client),
      };
      const sessionless = isSessionless(this.#client);
      const plans = new Plans({ ...this.#pairs, ...facts, sessionless }, tools);
      if (this.#forgottenCount === forgottenCount) this.#known = plans;
      return plans;
    } catch (error) {
      if (this.#forgottenCount === forgottenCount) this.#plans = undefined;
      throw error;
    }
  }

  /** A tool that the server does not list may still answer a call. @throws ConfigurationError when what was told of it is wrong */
  #planIn(plans: Plans | undefined, name: string): ToolPlan {
    const plan = plans?.of(name) ?? planTool({ name, inputSchema: { type: 'object' } }, { tools: [] });
    if (plan.unusable !== undefined)
      throw new ConfigurationError(`\`${name}\` was not called. ${plan.unusable}`, { tool: name });
    return plan.protocol === sync && !isSessionless(this.#client) ? this.#orAsTask(plan, name) : plan;
  }

  /** The plan of a synchronous tool, which the server may take as a task only. */
  #orAsTask(plan: ToolPlan, name: string): ToolPlan {
    const known = this.#asTasks.get(name);
    if (known !== undefined) return known;
    const proved = (asTask: ToolPlan) => void this.#asTasks.set(name, asTask);
    const either = asTaskIfRequired(plan, plan.listed, proved);
    if (this.#known?.of(name) === plan) this.#asTasks.set(name, either);
    return either;
  }

  async #planOnceListed(name: string, limits: ListLimits): Promise<ToolPlan> {
    const plans = await this.plans(limits).catch(error => {
      // A server that cannot list its tools may still answer a call.
      if (isAnswer(error)) return undefined;
      throw explain.notCalled(error, { tool: name, stage: 'planning' });
    });
    return this.#planIn(plans, name);
  }

  async #list(limits: ListLimits): Promise<ReadonlyMap<string, Tool>> {
    const isDeclared = this.#client.getServerCapabilities()?.tools !== undefined;
    const tools = new Map<string, Tool>();
    const problems: string[] = [];
    const pages = new ListPages();
    let cursor: unknown;
    let bytes = 0;
    do {
      // Not Client.listTools: one tool that it cannot read would cost the whole list.
      const page = await this.#page(cursor, limits, isDeclared).catch(error => {
        if (isDeclared ? cursor === undefined || !isAnswer(error) : isUnreachable(error)) throw error;
        if (isDeclared) problems.push(`A later page of the tools cannot be had: ${messageOf(error)}`);
        return { tools: [], nextCursor: undefined, problems: [] };
      });
      problems.push(...page.problems);
      const { nextCursor } = page;
      // A list on one page has the limit of every answer.
      if (cursor !== undefined || nextCursor !== undefined)
        bytes += leastJsonSize(page.tools, this.#maxListBytes);
      if (bytes > this.#maxListBytes)
        throw new ProtocolViolationError(
          `The server's list of tools has more than ${this.#maxListBytes} bytes over all its pages.`,
        );
      const names: string[] = [];
      for (const tool of page.tools) {
        if (!tools.has(tool.name)) tools.set(tool.name, tool);
        names.push(tool.name);
      }
      cursor = nextCursor === undefined ? undefined : pages.next(cursor, names, nextCursor);
    } while (cursor !== undefined);
    if (problems.length > 0) this.#onProblems(problems);
    return tools;
  }

  async #page(cursor: unknown, limits: ListLimits, isDeclared: boolean) {
    const { requestTimeoutMs } = limits;
    const request = { method: 'tools/list', params: { cursor } };
    const timeoutMs = isDeclared ? requestTimeoutMs : Math.min(requestTimeoutMs, UNDECLARED_TIMEOUT_MS);
    // All calls share one list, so no caller's signal may end it.
    const options = { signal: neverAborts, timeoutMs };
    const answer = await this.retry(() => this.#port.request(request, anyResult, options), limits).catch(
      emptyIfUnknown,
    );
    const { answer: page, problems } = readInParts(request.method, answer);
    return { tools: page.tools as readonly Tool[], nextCursor: page.nextCursor, problems };
  }

  /** Repeats a request for the list while the server cannot be reached. */
  retry<Answer>(send: () => Promise<Answer>, { requestRetries }: ListLimits): Promise<Answer> {
    return retryRequest(send, {
      retries: requestRetries,
      signal: this.#closed,
      isTransient: isUnreachable,
      onFailure() {},
      retryAfterMs: retryAfterMsOf,
    });
  }
}

/** Bounds of the requests that list the tools, in milliseconds and requests. */
type ListLimits = Pick<ResolvedWaitOptions, 'requestTimeoutMs' | 'requestRetries'>;

type PlannedServer = ServerFacts & ResolvedPairOptions & { readonly sessionless: boolean };

/** Only a passing fault is worth the wait: an answer will not change. */
function isUnreachable(error: unknown): boolean {
  const failure = classifyFailure(error);
  return failure === 'lost' || failure === 'unsent';
}

function emptyIfUnknown(error: unknown): Readonly<Record<string, unknown>> {
  if (error instanceof McpError && error.code === ErrorCode.MethodNotFound) return { tools: [] };
  throw error;
}

/** Whether the server has answered, with an error or with something that is no list. */
function isAnswer(error: unknown): boolean {
  return ['answered', 'unreadable'].includes(classifyFailure(error));
}

/** The revision of MCP's own tasks that the connected server offers for tools. */
export function nativeTasksOf(client: Client): NativeTasks | undefined {
  const { tasks, extensions } = client.getServerCapabilities() ?? {};
  if (isSessionless(client))
    return extensions?.[TASKS_EXTENSION_NAME] === undefined ? undefined : '2026-07-28';
  return tasks?.requests?.tools?.call === undefined ? undefined : '2025-11-25';
}

/** Whether the server speaks 2026-07-28, in which a tool does not declare task support. */
function isSessionless({ transport }: Client): boolean {
  return transport instanceof ReconnectingTransport && transport.revision === '2026-07-28';
}
