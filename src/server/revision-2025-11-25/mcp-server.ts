import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import type { Progress } from '../../types.js';
import { INSTRUCTIONS, type Offer, SERVER_INFO } from '../offer.js';
import { RequestError } from '../request-error.js';
import { createClientQuestions } from './client-questions.js';
import { startNativeTask } from './start-native-task.js';
import { createStatusNotices } from './status-notices.js';
import { handleTaskRequests } from './task-requests.js';

/** Any tool may be one that runs as a task. */
export const TASKS_CAPABILITY = { cancel: {}, requests: { tools: { call: {} } } };

/** An SDK server that offers the tools to one principal, in one session of the protocol up to 2025-11-25. */
export function createMcpServer(offer: Offer, principal: string): Server {
  const capabilities = { tools: {}, tasks: TASKS_CAPABILITY };
  const server = new Server(SERVER_INFO, { capabilities, instructions: INSTRUCTIONS });
  server.onclose = serveOffer(server, { offer, principal });
  return server;
}

export interface ServedOffer {
  readonly offer: Offer;
  readonly principal: string;
  /** Told of each call that is answered on its own request; what it returns is disposed with the answer. */
  readonly onCall?: ((id: RequestId) => Disposable) | undefined;
}

/** Answers the requests about tools and tasks of one session. The result stops its notifications. */
export function serveOffer(server: Server, { offer, principal, onCall }: ServedOffer): () => void {
  const { tools, tasks, feed } = offer;
  const notices = createStatusNotices(server, feed);
  const onTask = notices.follow;
  const questions = createClientQuestions({ server, tasks, principal });
  handleTaskRequests(server, { tasks, principal, questions, onTask });
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: (await tools.list()).map(({ definition }) => definition),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { signal, sendNotification, requestId } = extra;
    const tool = await tools.find(params.name);
    if (params.task !== undefined) return startNativeTask(tool, params, { tasks, principal, onTask });
    if (tool.definition.execution?.taskSupport === 'required') {
      throw new RequestError(
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
    using _call = onCall?.(requestId);
    const answer = await tool.call(params.arguments, {
      principal,
      signal,
      clientName: server.getClientVersion()?.name,
      meta: params._meta,
      onTask,
      ...(questions.areTaken && { askClient: record => questions.ask(record, extra.sendRequest) }),
      ...(progressToken !== undefined && { reportProgress }),
    });
    // Without rounds, no tool asks instead of answering.
    return answer as CallToolResult;
  });
  return notices.stop;
}
