import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { Progress } from '../types.js';
import { VERSION } from '../version.js';
import type { TaskFeed } from './task-feed.js';
import type { TaskService } from './task-service.js';
import { startNativeTask } from './tasks-2025-11-25/start-native-task.js';
import { createStatusNotices } from './tasks-2025-11-25/status-notices.js';
import { handleTaskRequests } from './tasks-2025-11-25/task-requests.js';
import type { ServerTool } from './tools/server-tool.js';

export const SERVER_INFO = { name: 'mcp-await', version: VERSION };

export const INSTRUCTIONS =
  'Long work runs in the background: a tool that is not soon done and initiate_background_task return a task_ref, resolve_task_status tells its state and result, cancel_background_task stops it.';

/** What a server offers, whichever protocol it is asked in. */
export interface Offer {
  readonly tools: ReadonlyMap<string, ServerTool>;
  readonly tasks: TaskService;
  readonly feed: TaskFeed;
}

/** An SDK server that offers the tools to one principal, in one session of the protocol up to 2025-11-25. */
export function createMcpServer({ tools, tasks, feed }: Offer, principal: string): Server {
  const capabilities = {
    tools: {},
    tasks: { cancel: {}, requests: { tools: { call: {} } } },
  };
  const server = new Server(SERVER_INFO, { capabilities, instructions: INSTRUCTIONS });
  const notices = createStatusNotices(server, feed);
  server.onclose = notices.stop;
  const onTask = notices.follow;
  handleTaskRequests(server, { tasks, principal, onTask });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [...tools.values()].map(tool => tool.definition),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal, sendNotification }) => {
    const tool = tools.get(params.name);
    if (tool === undefined) {
      throw new McpError(
        ErrorCode.InvalidParams,
        `Unknown tool: ${params.name}. Known: ${[...tools.keys()].join(', ')}`,
      );
    }
    if (params.task !== undefined) return startNativeTask(tool, params, { tasks, principal, onTask });
    if (tool.definition.execution?.taskSupport === 'required') {
      throw new McpError(
        ErrorCode.MethodNotFound,
        `The tool ${params.name} runs as a task only: send \`task\` with the call`,
      );
    }
    const progressToken = params._meta?.progressToken;
    const reportProgress = (progress: Progress) => {
      const told = sendNotification({
        method: 'notifications/progress',
        params: { ...progress, progressToken: progressToken ?? '' },
      });
      // Whoever has gone hears of nothing more.
      told.catch(() => {});
    };
    return tool.call(params.arguments, {
      principal,
      signal,
      meta: params._meta,
      onTask,
      ...(progressToken !== undefined && { reportProgress }),
    });
  });
  return server;
}
