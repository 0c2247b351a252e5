import {
  type CallToolRequest,
  type CreateTaskResult,
  ErrorCode,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { TaskAnswers } from '../task-service.js';
import { isInputRequired, type ServerTool } from '../tools/server-tool.js';
import { nativeTask } from './native-task.js';
import { refuse, type TaskRequestsOptions } from './task-requests.js';

/** Answers a `tools/call` that asks for a task (spec 2025-11-25, basic/utilities/tasks, "Creating Tasks"). */
export async function startNativeTask(
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
