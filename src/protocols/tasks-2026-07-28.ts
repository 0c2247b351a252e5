import type { Outcome, ToolCall } from '../types.js';
import { excerpt } from './excerpt.js';
import {
  anyResult,
  askOfTask,
  endError,
  errorOfRefusal,
  NATIVE_TASKS_WHY,
  type NativeTask,
  readTask,
  readToolResult,
  runningTask,
  taskIdIn,
  tasksViolation,
} from './native-task.js';
import type { Exchange, PollAnswer, Protocol, Running, StartAnswer, TaskQuestion } from './protocol.js';
import { isMarkedIdempotent } from './tool-definition.js';
import { isRecord, outcomeOfResult } from './tool-result.js';

/** The extension `io.modelcontextprotocol/tasks` (SEP-2663): the server says with its answer that a call has become a task. */
export const tasks20260728: Protocol = {
  name: 'tasks-2026-07-28',
  nativeTasks: '2026-07-28',
  plan(tool, { nativeTasks }) {
    if (nativeTasks !== '2026-07-28' || tool.execution?.taskSupport === 'forbidden') return undefined;
    return {
      protocol: tasks20260728,
      why: `${NATIVE_TASKS_WHY}, or answers the call itself, as it sees fit`,
      startKind: 'unknown',
      idempotent: isMarkedIdempotent(tool),
      listed: tool,
      hiddenTools: [],
      start,
    };
  },
  async poll(handle, exchange) {
    const taskId = taskIdIn(handle);
    return stateOf(readTask(await askOfTask('tasks/get', { taskId }, exchange), 'tasks/get', taskId));
  },
  topics: handle => [taskIdIn(handle)],
  async answer(handle, inputResponses, exchange) {
    await askOfTask('tasks/update', { taskId: taskIdIn(handle), inputResponses }, exchange);
  },
  async cancel(handle, exchange) {
    await askOfTask('tasks/cancel', { taskId: taskIdIn(handle) }, exchange);
  },
};

async function start(call: ToolCall, exchange: Exchange): Promise<StartAnswer> {
  const { port, signal, silenceTimeoutMs, onProgress } = exchange;
  const options = { signal, timeoutMs: silenceTimeoutMs, onProgress };
  const answer = await port.request({ method: 'tools/call', params: call }, anyResult, options);
  if (answer.resultType === 'task') {
    const task = readTask(answer, call.name);
    return { ...running(task), handle: { taskId: task.taskId } };
  }
  const result = readToolResult(answer, 'The answer');
  return { kind: 'ended', outcome: outcomeOfResult(result), raw: answer };
}

function stateOf(task: NativeTask): PollAnswer {
  switch (task.status) {
    case 'completed':
      return { kind: 'ended', outcome: outcomeOfResult(resultOf(task)), raw: task };
    case 'failed':
      return { kind: 'ended', outcome: failureOf(task), raw: task };
    case 'cancelled':
      return {
        kind: 'ended',
        outcome: { status: 'cancelled', error: endError(task, 'cancelled') },
        raw: task,
      };
    default:
      return running(task);
  }
}

function resultOf(task: NativeTask) {
  const { result } = task;
  if (!isRecord(result))
    throw tasksViolation(`The task ${excerpt(task.taskId)} is completed without a result`, task);
  const { resultType: _word, ...rest } = result;
  return readToolResult(rest, `The result of the task ${excerpt(task.taskId)}`);
}

function failureOf(task: NativeTask): Outcome {
  const { error } = task;
  if (!isRecord(error) || typeof error.code !== 'number')
    return { status: 'failed', error: endError(task, 'failed') };
  const { code, data } = error;
  const message = typeof error.message === 'string' ? error.message : endError(task, 'failed').message;
  return { status: 'failed', error: errorOfRefusal({ code, message, data }) };
}

function running(task: NativeTask): Running {
  const answer = runningTask(task, task.pollIntervalMs);
  return answer.status === 'input_required' ? { ...answer, questions: questionsIn(task) } : answer;
}

function questionsIn({ inputRequests }: NativeTask): Record<string, TaskQuestion> {
  const entries = isRecord(inputRequests) ? Object.entries(inputRequests) : [];
  return Object.fromEntries(
    entries.flatMap(([key, request]) =>
      isRecord(request) && typeof request.method === 'string'
        ? [[key, { method: request.method, params: isRecord(request.params) ? request.params : {} }]]
        : [],
    ),
  );
}
