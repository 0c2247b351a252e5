import { type CallToolResult, ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { ProtocolViolationError, TaskNotFoundError } from '../errors.js';
import type { TaskError, TaskStatus } from '../types.js';
import { excerpt, excerptOf } from './excerpt.js';
import type { Exchange, Running } from './protocol.js';
import { toolResultSchema } from './readable-result.js';
import { type Refusal, refusalOf } from './refusal.js';
import { isRecord } from './tool-result.js';

/** What the handle of a native task is, in both revisions. */
const handleSchema = z.object({ taskId: z.string().min(1) });

/** Any result: what it must hold is for the protocol to say. */
export const anyResult = z.looseObject({});

/** What both revisions tell of a task; only what a wait rests on has to be right. */
const taskSchema = z.looseObject({
  taskId: z.string().min(1),
  status: z.string(),
  statusMessage: z.string().optional().catch(undefined),
});

export type NativeTask = z.infer<typeof taskSchema>;

/** The task in an answer, which must be the one that was asked about. @throws ProtocolViolationError */
export function readTask(value: unknown, method: string, askedFor?: string): NativeTask {
  const { success, data } = taskSchema.safeParse(value);
  if (!success) throw tasksViolation(`\`${method}\` was answered without a task`, value);
  if (askedFor !== undefined && data.taskId !== askedFor)
    throw tasksViolation(
      `\`${method}\` was asked about ${excerpt(askedFor)} and answered about ${excerpt(data.taskId)}`,
      value,
    );
  return data;
}

/** The task id in a handle. @throws TaskNotFoundError when it is the handle of another protocol */
export function taskIdIn(handle: unknown): string {
  const { success, data } = handleSchema.safeParse(handle);
  if (!success) throw new TaskNotFoundError('The reference does not name a task of this protocol.');
  return data.taskId;
}

const WORDS: Readonly<Record<TaskStatus, true>> = {
  working: true,
  input_required: true,
  completed: true,
  failed: true,
  cancelled: true,
};

/** A task that has not ended. @param intervalMs what the server says of how often to ask, as it came */
export function runningTask(task: NativeTask, intervalMs: unknown): Running {
  const { status, statusMessage: message } = task;
  return {
    kind: 'running',
    status: status === 'input_required' ? status : 'working',
    ...(!Object.hasOwn(WORDS, status) && { unknownWord: status }),
    ...(message !== undefined && message !== '' && { message }),
    ...(typeof intervalMs === 'number' && { leastMs: intervalMs }),
    raw: task,
  };
}

/** Why a task did not complete, as far as its own status tells. */
export function endError({ statusMessage }: NativeTask, status: 'failed' | 'cancelled'): TaskError {
  const message = statusMessage || `The server gave no reason why the task is ${status}.`;
  return { code: status === 'failed' ? 'TASK_FAILED' : 'CANCELLED', message };
}

/** The error of a task that failed with a JSON-RPC error: the server's own code where it sent one as data. */
export function errorOfRefusal({ code, message, data }: Refusal): TaskError {
  const own = isRecord(data) ? data : {};
  return {
    code: typeof own.code === 'string' ? own.code : `JSON_RPC_${code}`,
    message,
    ...(typeof own.retryable === 'boolean' && { retryable: own.retryable }),
  };
}

/** The tool result in an answer. @throws ProtocolViolationError when it is none */
export function readToolResult(value: unknown, what: string): CallToolResult {
  const { success, data } = toolResultSchema.safeParse(value);
  if (!success) throw tasksViolation(`${what} is no tool result`, value);
  return data;
}

interface TaskParams {
  readonly taskId: string;
  readonly inputResponses?: unknown;
}

/** Sends one request about a task. */
export function sendTaskRequest(
  method: string,
  params: TaskParams,
  { port, signal, requestTimeoutMs }: Exchange,
) {
  return port.request({ method, params }, anyResult, { signal, timeoutMs: requestTimeoutMs });
}

/** Sends a request that a server refuses with -32602 only if it does not know the task. @throws TaskNotFoundError */
export async function askOfTask(method: string, params: TaskParams, exchange: Exchange) {
  return sendTaskRequest(method, params, exchange).catch(cause => {
    if (!isUnknownTask(cause)) throw cause;
    throw new TaskNotFoundError(
      `The server does not know the task ${excerpt(params.taskId)}: the reference is wrong, belongs to somebody else, or has expired, or the server was started again and has lost it.`,
      { cause },
    );
  });
}

/** Servers say that they do not know a task by -32602. */
export function isUnknownTask(error: unknown): boolean {
  return refusalOf(error)?.code === ErrorCode.InvalidParams;
}

export function tasksViolation(what: string, answer: unknown): ProtocolViolationError {
  return new ProtocolViolationError(
    `${what}: ${excerptOf(answer)}. The server does not keep to the specification of tasks.`,
  );
}

/** Of both revisions. */
export const NATIVE_TASKS_WHY = 'the server runs it as a task of MCP';
