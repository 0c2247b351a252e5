import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { VERSION } from '../version.js';
import { RequestError } from './request-error.js';
import type { CallerContext } from './revision-2026-07-28/envelope.js';
import type { WireRequest } from './revision-2026-07-28/wire.js';
import type { TaskFeed } from './task-feed.js';
import type { TaskAnswers } from './task-service.js';
import type { ServerTool } from './tools/server-tool.js';

/** What a server offers, whichever revision it is asked in. */
export interface Offer {
  readonly tools: OfferedTools;
  readonly tasks: TaskAnswers;
  readonly feed: TaskFeed;
  /**
   * What is offered to one caller of revision 2026-07-28, where that depends on who calls.
   * @throws RequestError where the caller is not served
   */
  readonly forCaller?: ((caller: Caller) => Promise<Offer>) | undefined;
  readonly more?: MoreOffered | undefined;
}

export interface OfferedTools {
  list(): readonly ServerTool[] | Promise<readonly ServerTool[]>;
  /** @throws RequestError where there is no tool of this name */
  find(name: string): ServerTool | Promise<ServerTool>;
}

/** Tools that are the same for everybody, as long as the server runs. */
export function fixedTools(tools: ReadonlyMap<string, ServerTool>): OfferedTools {
  return {
    list: () => [...tools.values()],
    find(name) {
      const tool = tools.get(name);
      if (tool !== undefined) return tool;
      const known = [...tools.keys()].join(', ');
      throw new RequestError(ErrorCode.InvalidParams, `Unknown tool: ${name}. Known: ${known}`);
    },
  };
}

/** Who sends a request of revision 2026-07-28. */
export type Caller = Pick<CallerContext, 'principal' | 'envelope'>;

/** What there is besides tools and tasks, in revision 2026-07-28. */
export interface MoreOffered {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string;
  /** Undefined of a method that there is not. @throws RequestError */
  answer(request: WireRequest, context: CallerContext): Promise<Record<string, unknown> | undefined>;
}

export const SERVER_INFO = { name: 'mcp-await', version: VERSION };

export const INSTRUCTIONS =
  'Long work runs in the background: a tool that is not soon done and initiate_background_task return a task_ref, resolve_task_status tells its state and result, cancel_background_task stops it.';
