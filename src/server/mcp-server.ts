import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { Progress } from '../types.js';
import { VERSION } from '../version.js';
import type { ServerTool } from './tools/server-tool.js';

const INSTRUCTIONS =
  'Long work runs in the background: a tool that is not soon done and initiate_background_task return a task_ref, resolve_task_status tells its state and result, cancel_background_task stops it.';

/** An SDK server that offers the tools to one principal. */
export function createMcpServer(tools: ReadonlyMap<string, ServerTool>, principal: string): Server {
  const server = new Server(
    { name: 'mcp-await', version: VERSION },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
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
      ...(progressToken !== undefined && { reportProgress }),
    });
  });
  return server;
}
