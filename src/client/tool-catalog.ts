import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  ErrorCode,
  type ListToolsResult,
  ListToolsResultSchema,
  McpError,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { ProtocolViolationError } from '../errors.js';
import { retryRequest } from '../pacing/retry-request.js';
import { planTool } from '../protocols/index.js';
import type { Port, ServerFacts, ToolPlan } from '../protocols/protocol.js';
import { neverAborts } from '../time/signals.js';
import * as explain from './explain.js';
import { classifyFailure, retryAfterMsOf } from './failure.js';
import { nativeTasksOf } from './native-tasks.js';
import type { ResolvedWaitOptions } from './options.js';
import type { ResolvedPairOptions } from './pair-options.js';

/** How one server's tools will be awaited. */
export interface Plans {
  readonly byTool: ReadonlyMap<string, ToolPlan>;
  /** Tools that plans use by themselves. */
  readonly hidden: ReadonlySet<string>;
}

/** More pages than any real server has; a server that never stops paging is broken. */
const MAX_PAGES = 1000;

export interface ToolCatalogOptions {
  readonly client: Client;
  readonly port: Port;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
  readonly pairs: ResolvedPairOptions;
}

/** The server's tools and their plans: listed once, at first need, and again after the server says that they changed. */
export class ToolCatalog {
  readonly #port: Port;
  readonly #client: Client;
  readonly #closed: AbortSignal;
  readonly #pairs: ResolvedPairOptions;
  #plans: Promise<Plans> | undefined;
  /** What `#plans` came to. */
  #known: Plans | undefined;

  constructor({ client, port, closed, pairs }: ToolCatalogOptions) {
    this.#client = client;
    this.#port = port;
    this.#closed = closed;
    this.#pairs = pairs;
  }

  forget(): void {
    this.#plans = undefined;
    this.#known = undefined;
  }

  /** The plan for one tool; at once where the list is known. @throws ServerUnavailableError when it cannot be had */
  plan(name: string, limits: ListLimits): ToolPlan | Promise<ToolPlan> {
    return this.#known === undefined ? this.#planOnceListed(name, limits) : planIn(this.#known, name);
  }

  /** @throws what the server or the connection answers to `tools/list` */
  plans(limits: ListLimits): Promise<Plans> {
    if (this.#plans === undefined) {
      const plans = this.#list(limits).then(tools =>
        planAll({ ...this.#pairs, tools, nativeTasks: nativeTasksOf(this.#client) }),
      );
      this.#plans = plans;
      plans.then(
        known => {
          if (this.#plans === plans) this.#known = known;
        },
        () => {
          if (this.#plans === plans) this.#plans = undefined;
        },
      );
    }
    return this.#plans;
  }

  async #planOnceListed(name: string, limits: ListLimits): Promise<ToolPlan> {
    const plans = await this.plans(limits).catch(error => {
      // A server that refuses to list its tools may still answer a call.
      if (error instanceof McpError && classifyFailure(error) === 'answered') return undefined;
      throw explain.notCalled(error, { tool: name, stage: 'planning' });
    });
    return planIn(plans, name);
  }

  async #list(limits: ListLimits): Promise<readonly Tool[]> {
    if (this.#client.getServerCapabilities()?.tools === undefined) return [];
    const tools: Tool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      // Not Client.listTools: it would change how the SDK's own callTool validates results.
      const answer = await this.#page(cursor, limits).catch(emptyIfUnknown);
      tools.push(...answer.tools);
      cursor = answer.nextCursor;
      if (cursor === undefined) return tools;
    }
    throw new ProtocolViolationError(`\`tools/list\` has not ended after ${MAX_PAGES} pages.`);
  }

  #page(cursor: string | undefined, limits: ListLimits): Promise<ListToolsResult> {
    const request = { method: 'tools/list', params: { cursor } };
    // All calls share one list, so no caller's signal may end it.
    const options = { signal: neverAborts, timeoutMs: limits.requestTimeoutMs };
    return this.retry(() => this.#port.request(request, ListToolsResultSchema, options), limits);
  }

  /** Repeats a request for the list while the server cannot be reached. */
  retry<Answer>(send: () => Promise<Answer>, { requestRetries }: ListLimits): Promise<Answer> {
    return retryRequest(send, {
      retries: requestRetries,
      signal: this.#closed,
      isTransient: isOutOfReach,
      onFailure() {},
      retryAfterMs: retryAfterMsOf,
    });
  }
}

/** Bounds of the requests that list the tools, in milliseconds and requests. */
export type ListLimits = Pick<ResolvedWaitOptions, 'requestTimeoutMs' | 'requestRetries'>;

/** A tool that the server does not list may still answer a call. */
function planIn(plans: Plans | undefined, name: string): ToolPlan {
  return plans?.byTool.get(name) ?? planTool({ name, inputSchema: { type: 'object' } }, { tools: [] });
}

function planAll({ showPairTools, ...server }: ServerFacts & ResolvedPairOptions): Plans {
  const byTool = new Map(server.tools.map(tool => [tool.name, planTool(tool, server)]));
  const hidden = showPairTools ? [] : [...byTool.values()].flatMap(plan => plan.hiddenTools);
  return { byTool, hidden: new Set(hidden) };
}

/** Only a passing fault is worth the wait: an answer will not change. */
function isOutOfReach(error: unknown): boolean {
  const failure = classifyFailure(error);
  return failure === 'lost' || failure === 'unsent';
}

function emptyIfUnknown(error: unknown): { tools: Tool[]; nextCursor?: string } {
  if (error instanceof McpError && error.code === ErrorCode.MethodNotFound) return { tools: [] };
  throw error;
}
