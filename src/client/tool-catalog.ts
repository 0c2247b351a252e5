import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ErrorCode, ListToolsResultSchema, McpError, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { ProtocolViolationError } from '../errors.js';
import { planTool } from '../protocols/index.js';
import type { Port, ToolPlan } from '../protocols/protocol.js';
import * as explain from './explain.js';
import { classifyFailure } from './failure.js';

/** How one server's tools will be awaited. */
export interface Plans {
  readonly byTool: ReadonlyMap<string, ToolPlan>;
  /** Tools that plans use by themselves. */
  readonly hidden: ReadonlySet<string>;
}

/** More pages than any real server has; a server that never stops paging is broken. */
const MAX_PAGES = 1000;

/** The server's tools and their plans: listed once, at first need, and again after the server says that they changed. */
export class ToolCatalog {
  readonly #port: Port;
  readonly #client: Client;
  #plans: Promise<Plans> | undefined;
  /** What `#plans` came to. */
  #known: Plans | undefined;

  constructor(client: Client, port: Port) {
    this.#client = client;
    this.#port = port;
  }

  forget(): void {
    this.#plans = undefined;
    this.#known = undefined;
  }

  /** The plan for one tool; at once where the list is known. @throws ServerUnavailableError when it cannot be had */
  plan(name: string, timeoutMs: number): ToolPlan | Promise<ToolPlan> {
    return this.#known === undefined ? this.#planOnceListed(name, timeoutMs) : planIn(this.#known, name);
  }

  /** @throws what the server or the connection answers to `tools/list` */
  plans(timeoutMs: number): Promise<Plans> {
    if (this.#plans === undefined) {
      const plans = this.#list(timeoutMs).then(planAll);
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

  async #planOnceListed(name: string, timeoutMs: number): Promise<ToolPlan> {
    const plans = await this.plans(timeoutMs).catch(error => {
      // A server that refuses to list its tools may still answer a call.
      if (error instanceof McpError && classifyFailure(error) === 'answered') return undefined;
      throw explain.notCalled(error, { tool: name, stage: 'planning' });
    });
    return planIn(plans, name);
  }

  async #list(timeoutMs: number): Promise<readonly Tool[]> {
    if (this.#client.getServerCapabilities()?.tools === undefined) return [];
    const tools: Tool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      // Not Client.listTools: it would change how the SDK's own callTool validates results.
      const answer = await this.#port
        .request({ method: 'tools/list', params: { cursor } }, ListToolsResultSchema, {
          signal: new AbortController().signal,
          timeoutMs,
        })
        .catch(emptyIfUnknown);
      tools.push(...answer.tools);
      cursor = answer.nextCursor;
      if (cursor === undefined) return tools;
    }
    throw new ProtocolViolationError(`\`tools/list\` has not ended after ${MAX_PAGES} pages.`);
  }
}

/** A tool that the server does not list may still answer a call. */
function planIn(plans: Plans | undefined, name: string): ToolPlan {
  return plans?.byTool.get(name) ?? planTool({ name, inputSchema: { type: 'object' } }, { tools: [] });
}

function planAll(tools: readonly Tool[]): Plans {
  const byTool = new Map(tools.map(tool => [tool.name, planTool(tool, { tools })]));
  return { byTool, hidden: new Set([...byTool.values()].flatMap(plan => plan.hiddenTools)) };
}

function emptyIfUnknown(error: unknown): { tools: Tool[]; nextCursor?: string } {
  if (error instanceof McpError && error.code === ErrorCode.MethodNotFound) return { tools: [] };
  throw error;
}
