import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CancelTaskRequestSchema,
  ErrorCode,
  GetTaskPayloadRequestSchema,
  GetTaskRequestSchema,
  ListTasksRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import type { TaskAnswers } from '../task-service.js';
import { toFailure } from '../tool-failure.js';
import { resultOfTask } from '../tools/task-result.js';
import type { ClientQuestions } from './client-questions.js';
import { nativeTask, relatedTask } from './native-task.js';

const WAIT_MS = 60_000;

export interface TaskRequestsOptions {
  readonly tasks: TaskAnswers;
  readonly principal: string;
  readonly questions: ClientQuestions;
  /** Told of each task that the client asks about. */
  readonly onTask: (record: TaskRecord) => void;
}

/** Answers `tasks/get`, `tasks/result`, `tasks/cancel` and `tasks/list` (spec 2025-11-25, basic/utilities/tasks). */
export function handleTaskRequests(
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
export function refuse(error: unknown): never {
  const failure = toFailure(error);
  const code = failure.retryable ? ErrorCode.InternalError : ErrorCode.InvalidParams;
  throw new McpError(code, failure.message, failure.toTaskError());
}
