import { VERSION } from '../version.js';
import type { TaskFeed } from './task-feed.js';
import type { TaskAnswers } from './task-service.js';
import type { ServerTool } from './tools/server-tool.js';

/** What a server offers, whichever protocol it is asked in. */
export interface Offer {
  readonly tools: ReadonlyMap<string, ServerTool>;
  readonly tasks: TaskAnswers;
  readonly feed: TaskFeed;
}

export const SERVER_INFO = { name: 'mcp-await', version: VERSION };

export const INSTRUCTIONS =
  'Long work runs in the background: a tool that is not soon done and initiate_background_task return a task_ref, resolve_task_status tells its state and result, cancel_background_task stops it.';
