import type { CallOptions, WaitOptions } from '../../client/options.js';
import type { TaskHandle } from '../../client/task-handle.js';
import { outcomeOfResult } from '../../protocols/tool-result.js';
import type { ToolCall } from '../../types.js';
import { errorFacts } from '../error-report.js';
import type { Connections } from './connections.js';
import type { TaskFate, TaskMeasurement } from './measurement.js';
import { PollRecorder } from './poll-recorder.js';

export interface TaskContext {
  readonly index: number;
  readonly call: ToolCall;
  readonly connections: Connections;
  readonly wait: WaitOptions;
  readonly signal: AbortSignal;
  /** Called once: the start was answered, or has failed. */
  readonly onStarted: () => void;
  /** Called with a task that runs on although nobody waits any more. */
  readonly onLeft: (task: TaskHandle) => void;
}

/** Starts one task and waits for its end, as any program would. Never rejects. */
export async function measureTask(context: TaskContext): Promise<TaskMeasurement> {
  const { connections, index, call, wait, signal } = context;
  const recorder = new PollRecorder();
  const options: CallOptions = { ...wait, signal, onUpdate: snapshot => recorder.observe(snapshot) };
  let initiateMs: number | undefined;
  let fate: TaskFate;
  try {
    const client = connections.of(index);
    const sentAt = performance.now();
    const task = await client.startTool(call, options).finally(context.onStarted);
    if (task.protocol !== 'sync') initiateMs = performance.now() - sentAt;
    fate = await awaitFate(task, context, recorder);
  } catch (error) {
    fate = { status: 'unknown', ...errorFacts(error) };
  }
  const { polls, intervals, endedAt, knownAt } = recorder;
  return { fate, initiateMs, polls, intervals, endedAt, knownAt };
}

async function awaitFate(
  task: TaskHandle,
  { connections, onLeft }: TaskContext,
  recorder: PollRecorder,
): Promise<TaskFate> {
  if (task.reference !== undefined) connections.record(task.reference, recorder);
  try {
    const outcome = outcomeOfResult(await task.result());
    if (outcome.status === 'completed') return { status: 'completed' };
    const { status } = task.snapshot;
    return { status: status === 'cancelled' ? 'cancelled' : 'failed', code: outcome.error.code };
  } catch (error) {
    onLeft(task);
    throw error;
  }
}
