import { randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { CallOptions, WaitOptions } from '../../client/options.js';
import type { TaskHandle } from '../../client/task-handle.js';
import { outcomeOfResult } from '../../protocols/tool-result.js';
import { newDeferred } from '../../time/deferred.js';
import { formatDuration } from '../../time/duration.js';
import { sleep } from '../../time/sleep.js';
import type { ToolCall } from '../../types.js';
import { parseObject } from '../arguments.js';
import { errorFacts } from '../error-report.js';
import type { CommandIo } from '../io.js';
import { readSource } from '../read-source.js';
import type { Connections } from './connections.js';
import { type LatencyRange, latencyOf } from './latency.js';
import type { LoadFlags } from './load-flags.js';
import type { LoadMeasurement, RestartMeasurement, TaskFate, TaskMeasurement } from './measurement.js';
import { PollRecorder } from './poll-recorder.js';

export interface LoadOptions {
  readonly calls: readonly ToolCall[];
  readonly connections: Connections;
  readonly wait: WaitOptions;
  readonly signal: AbortSignal;
  readonly onEnded: () => void;
  /** Called with a task that runs on although nobody waits any more. */
  readonly onLeft: (task: TaskHandle) => void;
  readonly restart: PlannedRestart | undefined;
}

interface TaskContext extends Pick<LoadOptions, 'connections' | 'wait' | 'signal' | 'onLeft'> {
  readonly index: number;
  readonly call: ToolCall;
  /** Called once: the start was answered, or has failed. */
  readonly onStarted: () => void;
}

export interface PlannedRestart {
  /** When, in milliseconds after the first start; not before every start is answered. */
  readonly afterMs: number;
  act(): Promise<Pick<RestartMeasurement, 'killed' | 'killedAt' | 'downMs'>>;
}

/** Starts all tasks at once and waits until each has ended. */
export async function runLoad(options: LoadOptions): Promise<LoadMeasurement> {
  const { calls, connections, wait, signal, onEnded, onLeft, restart } = options;
  setMaxListeners(0, signal);
  const begunAt = performance.now();
  const allStarted = newDeferred();
  let [startedCount, endedCount] = [0, 0];
  const running = calls.map((call, index) =>
    measureTask({
      index,
      call,
      connections,
      wait,
      signal,
      onLeft,
      onStarted() {
        startedCount += 1;
        if (startedCount === calls.length) allStarted.resolve();
      },
    }).then(measured => {
      endedCount += 1;
      onEnded();
      return measured;
    }),
  );

  async function restarted(planned: PlannedRestart): Promise<Omit<RestartMeasurement, 'reconnects'>> {
    await allStarted.promise;
    await sleep(Math.max(0, begunAt + planned.afterMs - performance.now()), signal);
    const awaitedTasks = calls.length - endedCount;
    return { ...(await planned.act()), awaitedTasks };
  }

  const measured = Promise.all(running).then(tasks => ({ tasks, wallMs: performance.now() - begunAt }));
  // A server that does not come back ends the test at once.
  const [load, done] = await Promise.all([measured, restart === undefined ? undefined : restarted(restart)]);
  signal.throwIfAborted();
  return { ...load, restart: done && { ...done, reconnects: connections.reconnects } };
}

/** Starts one task and waits for its end, as any program would. Never rejects. */
async function measureTask(context: TaskContext): Promise<TaskMeasurement> {
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

/** What the tasks of a load test do. */
export interface Work {
  readonly calls: readonly ToolCall[];
  /** For people: `sleep, 10 s to 15 s each (seed 7)`. */
  readonly text: string;
  readonly seed: number | undefined;
  /** How long a task takes; undefined for a tool of which nobody knows. */
  readonly latency: LatencyRange | undefined;
}

const DEFAULT_LATENCY: LatencyRange = { leastMs: 10_000, mostMs: 15_000 };
const SEEDS = 2 ** 31;

/** @throws UsageError when `--args` is no JSON object */
export async function plannedWork(flags: LoadFlags, io: CommandIo): Promise<Work> {
  const { tasks, tool, args } = flags;
  if (tool !== undefined) {
    const given = args === undefined ? {} : parseObject(await readSource(args, '--args', io), '--args');
    const calls = Array.from({ length: tasks }, () => ({ name: tool, arguments: given }));
    return { calls, text: `the tool ${tool}`, seed: undefined, latency: undefined };
  }
  const { latency = DEFAULT_LATENCY, seed = randomInt(SEEDS) } = flags;
  const calls = Array.from({ length: tasks }, (_, index) => sleepCall(latencyOf(latency, seed, index)));
  const { leastMs, mostMs } = latency;
  const range = [...new Set([leastMs, mostMs])].map(formatDuration).join(' to ');
  return { calls, text: `sleep, ${range} each (seed ${seed})`, seed, latency };
}

/** A call that starts a task of the bundled server's operation `sleep`. */
export function sleepCall(latencyMs: number): ToolCall {
  const parameters = { seconds: latencyMs / 1000 };
  return { name: 'initiate_background_task', arguments: { operation_type: 'sleep', parameters } };
}
