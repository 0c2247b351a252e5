import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type CallToolResult,
  CancelTaskRequestSchema,
  type CreateTaskResult,
  ElicitResultSchema,
  ErrorCode,
  GetTaskPayloadRequestSchema,
  GetTaskRequestSchema,
  ListTasksRequestSchema,
  ListToolsRequestSchema,
  McpError,
  type RequestId,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import type { Progress } from '../../types.js';
import { INSTRUCTIONS, type Offer, SERVER_INFO } from '../offer.js';
import { RequestError } from '../request-error.js';
import type { TaskFeed } from '../task-feed.js';
import type { TaskAnswers } from '../task-service.js';
import { toFailure } from '../tool-failure.js';
import { isInputRequired, type ServerTool, takesForms } from '../tools/server-tool.js';
import { resultOfTask } from '../tools/task-result.js';
import { nativeTask, relatedTask } from './native-task.js';

/** Any tool may be one that runs as a task. */
export function tasksCapability(listsTasks: boolean) {
  return { cancel: {}, requests: { tools: { call: {} } }, ...(listsTasks && { list: {} }) };
}

/** An SDK server that offers the tools to one principal, in one session of the protocol up to 2025-11-25. */
export function createMcpServer(offer: Offer, principal: string): Server {
  const capabilities = { tools: {}, tasks: tasksCapability(offer.tasks.list !== undefined) };
  const server = new Server(SERVER_INFO, { capabilities, instructions: INSTRUCTIONS });
  server.onclose = serveOffer(server, { offer, principal });
  return server;
}

interface ServedOffer {
  readonly offer: Offer;
  readonly principal: string;
  /** Told of each call that is answered on its own request; what it returns is disposed with the answer. */
  readonly onCall?: ((id: RequestId) => Disposable) | undefined;
  /** Who the client says it is. @default what the SDK has heard, which is nothing where another answers `initialize` */
  readonly clientName?: (() => string | undefined) | undefined;
}

/** Answers the requests about tools and tasks of one session. The result stops its notifications. */
export function serveOffer(server: Server, options: ServedOffer): () => void {
  const { offer, principal, onCall, clientName = () => server.getClientVersion()?.name } = options;
  const { tools, tasks, feed } = offer;
  const notices = createStatusNotices(server, feed);
  const onTask = notices.follow;
  const questions = createClientQuestions(server, { tasks, principal });
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
      clientName: clientName(),
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

interface StatusNotices {
  /** The session has started a task or asked about it: it is to hear of it from now on. */
  follow(record: TaskRecord): void;
  stop(): void;
}

/** Sends `notifications/tasks/status` to one session (spec 2025-11-25, basic/utilities/tasks, "Task Status Notification"). */
function createStatusNotices(server: Server, feed: TaskFeed): StatusNotices {
  const followed = new Map<string, () => void>();
  let stopped = false;
  return {
    follow(record) {
      const { taskRef } = record;
      if (stopped || followed.has(taskRef)) return;
      let told = nativeTask(record, Date.now());
      const stop = feed.watch(record, changed => {
        if (isEnded(changed)) followed.delete(taskRef);
        const { status, statusMessage } = told;
        told = nativeTask(changed, Date.now());
        if (told.status === status && told.statusMessage === statusMessage) return;
        // A client that has gone, or takes no notifications, can still ask.
        server.notification({ method: 'notifications/tasks/status', params: told }).catch(() => {});
      });
      followed.set(taskRef, stop);
    },
    stop() {
      stopped = true;
      for (const unfollow of followed.values()) unfollow();
      followed.clear();
    },
  };
}

/** Answers a `tools/call` that asks for a task (spec 2025-11-25, basic/utilities/tasks, "Creating Tasks"). */
async function startNativeTask(
  { start }: Pick<ServerTool, 'start'>,
  { name, arguments: argumentsGiven, task, _meta }: CallToolRequest['params'],
  { tasks, principal, onTask }: Pick<TaskRequestsOptions, 'tasks' | 'principal' | 'onTask'>,
): Promise<CreateTaskResult> {
  if (start === undefined) {
    throw new McpError(
      ErrorCode.MethodNotFound,
      `The tool ${name} cannot run as a task: call it without \`task\``,
    );
  }
  const ttlSeconds = allowedTtl(task?.ttl, tasks);
  const record = await start(argumentsGiven, { principal, meta: _meta, ttlSeconds }).catch(refuse);
  if (isInputRequired(record)) throw new TypeError(`${name} asked where it could not`);
  onTask(record);
  return { task: nativeTask(record, Date.now()) };
}

/** The server may keep a task for another time than is asked; it tells which. */
function allowedTtl(ttlMs: number | undefined, { ttlBounds: [shortest, longest] }: TaskAnswers) {
  return ttlMs === undefined ? undefined : Math.min(Math.max(ttlMs / 1000, shortest), longest);
}

const WAIT_MS = 60_000;

interface TaskRequestsOptions {
  readonly tasks: TaskAnswers;
  readonly principal: string;
  readonly questions: ClientQuestions;
  /** Told of each task that the client asks about. */
  readonly onTask: (record: TaskRecord) => void;
}

/** Answers `tasks/get`, `tasks/result`, `tasks/cancel` and `tasks/list` (spec 2025-11-25, basic/utilities/tasks). */
function handleTaskRequests(
  server: Server,
  { tasks, principal, questions, onTask }: TaskRequestsOptions,
): void {
  const resolve = async (taskRef: string, signal: AbortSignal, waitMs = 0) => {
    const record = await tasks.resolve(principal, taskRef, { waitMs, signal, insists: true }).catch(refuse);
    onTask(record);
    return record;
  };

  server.setRequestHandler(GetTaskRequestSchema, async ({ params }, { signal }) => {
    const { record, pollAfterMs } = await tasks.look(principal, params.taskId, signal).catch(refuse);
    onTask(record);
    return nativeTask(record, Date.now(), pollAfterMs);
  });

  // The SDK's own handler leaves a listener behind for every look and keeps questions in memory only.
  server.setRequestHandler(GetTaskPayloadRequestSchema, async ({ params: { taskId } }, extra) => {
    const { signal, sendRequest } = extra;
    for (let record = await resolve(taskId, signal); ; record = await resolve(taskId, signal, WAIT_MS)) {
      if (questions.areTaken) questions.ask(record, sendRequest);
      if (!isEnded(record)) continue;
      if (record.status === 'cancelled') {
        throw new McpError(ErrorCode.InternalError, `The task ${taskId} was cancelled`);
      }
      const result = resultOfTask(record);
      return { ...result, _meta: { ...result._meta, ...relatedTask(taskId) } };
    }
  });

  const { list } = tasks;
  if (list !== undefined) {
    server.setRequestHandler(ListTasksRequestSchema, async ({ params }) => {
      const { tasks: records, nextCursor } = await list(principal, params?.cursor).catch(refuse);
      const now = Date.now();
      const listed = records.map(record => nativeTask(record, now));
      return { tasks: listed, ...(nextCursor !== undefined && { nextCursor }) };
    });
  }

  server.setRequestHandler(CancelTaskRequestSchema, async ({ params: { taskId } }, { signal }) => {
    const found = await resolve(taskId, signal);
    if (isEnded(found)) {
      throw new McpError(
        ErrorCode.InvalidParams,
        `The task ${taskId} has ended already: it is ${found.status}`,
      );
    }
    return nativeTask(await tasks.cancel(principal, taskId).catch(refuse), Date.now());
  });
}

/** @throws McpError what a caller could understand; anything else as it is */
function refuse(error: unknown): never {
  const failure = toFailure(error);
  const code = failure.retryable ? ErrorCode.InternalError : ErrorCode.InvalidParams;
  throw new McpError(code, failure.message, failure.toTaskError());
}

type SendRequest = RequestHandlerExtra<ServerRequest, ServerNotification>['sendRequest'];

/** A person may take their time; a question that is put off is asked again by whoever comes back for the task. */
const ANSWER_WITHIN_MS = 3_600_000;

interface ClientQuestions {
  /** Whether the client can ask a person. */
  readonly areTaken: boolean;
  /** Asks the client, on the request that it has sent, what it has not been asked yet. The answers go into the store. */
  ask(record: TaskRecord, sendRequest: SendRequest): void;
}

/** The questions of tasks, asked as elicitations of one session (spec 2025-11-25, client/elicitation). */
function createClientQuestions(
  server: Server,
  { tasks, principal }: Pick<TaskRequestsOptions, 'tasks' | 'principal'>,
): ClientQuestions {
  /** Those under way, by key: a question belongs to one task only. */
  const asked = new Set<string>();
  return {
    get areTaken() {
      return takesForms(server.getClientCapabilities()?.elicitation);
    },
    ask({ taskRef, inputRequests = {} }, sendRequest) {
      for (const [key, { method, params }] of Object.entries(inputRequests)) {
        if (asked.has(key)) continue;
        asked.add(key);
        // In a copy: the store's is not ours to change.
        const request = { method, params: { ...structuredClone(params), _meta: relatedTask(taskRef) } };
        sendRequest(request as ServerRequest, ElicitResultSchema, { timeout: ANSWER_WITHIN_MS })
          .then(answer => tasks.answer(principal, taskRef, { [key]: answer }))
          // A client that has gone, or gave no usable answer, is asked again when it comes back.
          .catch(() => {})
          .finally(() => asked.delete(key));
      }
    },
  };
}
