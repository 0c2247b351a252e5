import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { Progress } from '../types.js';
import { INSTRUCTIONS, type Offer, SERVER_INFO } from './offer.js';
import { createClientQuestions } from './revision-2025-11-25/client-questions.js';
import { startNativeTask } from './revision-2025-11-25/start-native-task.js';
import { createStatusNotices } from './revision-2025-11-25/status-notices.js';
import { handleTaskRequests } from './revision-2025-11-25/task-requests.js';

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
  const questions = createClientQuestions({ server, tasks, principal });
  handleTaskRequests(server, { tasks, principal, questions, onTask });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [...tools.values()].map(tool => tool.definition),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const { signal, sendNotification } = extra;
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
    const answer = tool.call(params.arguments, {
      principal,
      signal,
      clientName: server.getClientVersion()?.name,
      meta: params._meta,
      onTask,
      ...(questions.areTaken && { askClient: record => questions.ask(record, extra.sendRequest) }),
      ...(progressToken !== undefined && { reportProgress }),
    });
    // Without rounds, no tool asks instead of answering.
    return answer as Promise<CallToolResult>;
  });
  return server;
}
