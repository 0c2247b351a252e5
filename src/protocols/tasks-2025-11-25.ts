import { RELATED_TASK_META_KEY } from '@modelcontextprotocol/sdk/types.js';
import type { ToolCall } from '../types.js';
import { excerpt, excerptOf } from './excerpt.js';
import {
  anyResult,
  askOfTask,
  endError,
  errorOfRefusal,
  isUnknownTask,
  NATIVE_TASKS_WHY,
  type NativeTask,
  readTask,
  readToolResult,
  runningTask,
  sendTaskRequest,
  taskIdIn,
  tasksViolation,
} from './native-task.js';
import type { Ended, Exchange, Protocol, StartAnswer } from './protocol.js';
import { refusalOf } from './refusal.js';
import { isMarkedIdempotent } from './tool-definition.js';
import { failedResult, isRecord, outcomeOfResult } from './tool-result.js';

/** How long a server is asked to keep a task: a day, as the bundled one does. */
const TTL_MS = 86_400_000;
/** The longest time that the SDK's timer takes. */
const FOR_AS_LONG_AS_IT_TAKES_MS = 2 ** 31 - 1;

/** Experimental native tasks (spec 2025-11-25, basic/utilities/tasks): `tasks/get` tells the state, `tasks/result` the end. */
export const tasks20251125: Protocol = {
  name: 'tasks-2025-11-25',
  nativeTasks: '2025-11-25',
  plan(tool, { nativeTasks }) {
    const support = tool.execution?.taskSupport;
    if (nativeTasks !== '2025-11-25' || (support !== 'required' && support !== 'optional')) return undefined;
    return {
      protocol: tasks20251125,
      why: `${NATIVE_TASKS_WHY} (\`taskSupport\` ${support})`,
      startKind: 'task',
      idempotent: isMarkedIdempotent(tool),
      listed: tool,
      hiddenTools: [],
      start,
    };
  },
  async poll(handle, exchange) {
    const taskId = taskIdIn(handle);
    const task = readTask(await askOfTask('tasks/get', { taskId }, exchange), 'tasks/get', taskId);
    return isOver(task) ? readEnd(task, exchange) : runningTask(task, task.pollInterval);
  },
  topics: handle => [taskIdIn(handle)],
  async cancel(handle, exchange) {
    const taskId = taskIdIn(handle);
    try {
      await sendTaskRequest('tasks/cancel', { taskId }, exchange);
    } catch (error) {
      if (!isUnknownTask(error)) throw error;
      // A task that has ended is refused in the same words as one that never was.
      await askOfTask('tasks/get', { taskId }, exchange);
    }
  },
  async listenForQuestions(handle, { port, signal }) {
    const request = { method: 'tasks/result', params: { taskId: taskIdIn(handle) } };
    await port.request(request, anyResult, { signal, timeoutMs: FOR_AS_LONG_AS_IT_TAKES_MS });
  },
};

async function start(call: ToolCall, { port, signal, requestTimeoutMs }: Exchange): Promise<StartAnswer> {
  const request = { method: 'tools/call', params: { ...call, task: { ttl: TTL_MS } } };
  const answer = await port.request(request, anyResult, { signal, timeoutMs: requestTimeoutMs });
  if (answer.task === undefined) return immediate(answer);
  const task = readTask(answer.task, call.name);
  // The end of a task that has ended is told by the first poll, which is due at once.
  return { ...runningTask(task, task.pollInterval), handle: { taskId: task.taskId } };
}

/** A server may answer with the result itself. */
function immediate(answer: unknown): Ended {
  return { kind: 'ended', outcome: outcomeOfResult(readToolResult(answer, 'The answer')), raw: answer };
}

function isOver(task: NativeTask): boolean {
  return ['completed', 'failed', 'cancelled'].includes(task.status);
}

async function readEnd(task: NativeTask, exchange: Exchange): Promise<Ended> {
  if (task.status === 'cancelled')
    return { kind: 'ended', outcome: { status: 'cancelled', error: endError(task, 'cancelled') }, raw: task };
  const { status, taskId } = task;
  try {
    // A task that failed with -32602 is answered with it.
    const answer = await sendTaskRequest('tasks/result', { taskId }, exchange);
    return { kind: 'ended', outcome: outcomeOf(answer, task), raw: answer };
  } catch (error) {
    const refusal = status === 'failed' ? refusalOf(error) : undefined;
    if (refusal === undefined) throw error;
    return { kind: 'ended', outcome: { status: 'failed', error: errorOfRefusal(refusal) }, raw: task };
  }
}

function outcomeOf(answer: Readonly<Record<string, unknown>>, task: NativeTask): Ended['outcome'] {
  const related = isRecord(answer._meta) ? answer._meta[RELATED_TASK_META_KEY] : undefined;
  if (isRecord(related) && related.taskId !== task.taskId)
    throw tasksViolation(
      `\`tasks/result\` was asked about ${excerpt(task.taskId)} and answered about ${excerptOf(related.taskId)}`,
      answer,
    );
  const result = readToolResult(answer, `The result of the task ${excerpt(task.taskId)}`);
  const outcome = outcomeOfResult(result);
  if (task.status !== 'failed') return outcome;
  const error = outcome.status === 'completed' ? endError(task, 'failed') : outcome.error;
  return { status: 'failed', error, result: failedResult(result, error) };
}
