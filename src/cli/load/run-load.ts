import { setMaxListeners } from 'node:events';
import type { WaitOptions } from '../../client/options.js';
import type { TaskHandle } from '../../client/task-handle.js';
import { newDeferred } from '../../time/deferred.js';
import { sleep } from '../../time/sleep.js';
import type { ToolCall } from '../../types.js';
import type { Connections } from './connections.js';
import { measureTask } from './measure-task.js';
import type { LoadMeasurement, RestartMeasurement } from './measurement.js';

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
