import { monitorEventLoopDelay } from 'node:perf_hooks';
import yoctoSpinner from 'yocto-spinner';
import { defaultWaitOptions, resolveWaitOptions, type WaitOptions } from '../../client/options.js';
import type { TaskHandle } from '../../client/task-handle.js';
import type { Pacing } from '../../pacing/next-delay.js';
import type { Settings } from '../../server/config/config-schema.js';
import { isWithin } from '../../time/at-most.js';
import { useSettings } from '../config/load-settings.js';
import { ExitCode } from '../exit-code.js';
import type { CommandIo } from '../io.js';
import { printJson, printLines } from '../report.js';
import { waitOptionsOf } from '../wait-options.js';
import { type Connections, openConnections } from './connections.js';
import { checkLoadFlags, type LoadFlags } from './load-flags.js';
import { hasPassed, type LoadReport, reportLines, reportObject } from './load-report.js';
import { plannedWork, runLoad, sleepCall, type Work } from './run-load.js';
import { type ServerUnderLoad, serverUnderLoad } from './server-under-load.js';
import { judgeLoad } from './verdict.js';

interface Schedule {
  readonly taskCount: number;
  /** Most tasks that run at the same time. */
  readonly parallelTasks: number;
}

/** When about half of the tasks have ended, in milliseconds after they were started together; each takes `meanMs`. */
export function middleMs({ taskCount, meanMs, parallelTasks }: Schedule & { meanMs: number }): number {
  // Fewer tasks than can run in parallel all end around the mean.
  return Math.max(meanMs, (meanMs * taskCount) / parallelTasks / 2);
}

/** How long all tasks need, in milliseconds, where each may take `mostMs`. */
export function expectedMs({ taskCount, mostMs, parallelTasks }: Schedule & { mostMs: number }): number {
  return Math.ceil(taskCount / parallelTasks) * mostMs;
}

const TOOL_TIMEOUT_MS = 600_000;

const SPARE_MS = 60_000;

/** More than enough for a server of ours to start again on a busy machine. */
const RESTART_REQUEST_RETRIES = 10;

/** Tells on standard error how a load test gets on. */
interface LoadProgress {
  say(line: string): void;
  /** One more task is known to have ended. */
  ended(): void;
  stop(): void;
}

const STARTS = 50;

/** How late a machine with nothing else to do may be. */
const LATE_TOLERANCE_MS = 100;

const NANOSECONDS_PER_MS = 1e6;

const CANCEL_LIMIT_MS = 3000;

/** `mcp-await load`: many tasks at once on one server, with figures and a verdict. */
export async function load(flags: LoadFlags, command: readonly string[], io: CommandIo): Promise<number> {
  checkLoadFlags(flags, command);
  const settings = await useSettings(flags, io);
  const work = await plannedWork(flags, io);
  const progress = loadProgress(flags.tasks, io);
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error('interrupted'));
  io.on('SIGINT', interrupt);
  io.on('SIGTERM', interrupt);
  let server: ServerUnderLoad | undefined;
  try {
    server = await serverUnderLoad({
      flags,
      command,
      io,
      signal: stop.signal,
      say: line => progress.say(line),
    });
    const report = await measure({ flags, settings, work, server, progress, signal: stop.signal });
    progress.stop();
    if (flags.json === true) printJson(io, reportObject(report));
    else printLines(io, reportLines(report));
    return hasPassed(report) ? ExitCode.completed : ExitCode.failed;
  } catch (error) {
    progress.stop();
    if (!stop.signal.aborted) throw error;
    io.stderr.write('Interrupted.\n');
    return ExitCode.interrupted;
  } finally {
    stop.abort(new Error('over'));
    // A second signal does not cut this short: nothing that was started may stay.
    await server?.close();
    io.off('SIGINT', interrupt);
    io.off('SIGTERM', interrupt);
  }
}

interface Test {
  readonly flags: LoadFlags;
  readonly settings: Pick<Settings, 'polling' | 'connection'>;
  readonly work: Work;
  readonly server: ServerUnderLoad;
  readonly progress: LoadProgress;
  readonly signal: AbortSignal;
}

async function measure(loadTest: Test): Promise<LoadReport> {
  const { flags, settings, work, server, progress, signal } = loadTest;
  const { target, configFile, connectionCount, own, parallelTasks, leaseMs } = server;
  const { restart } = flags;
  const connections = await openConnections({
    ...settings.connection,
    target,
    configFile,
    count: connectionCount,
    signal,
  });
  const left: TaskHandle[] = [];
  const lag = eventLoopLag();
  const { wait, pacing } = waitOfLoad(loadTest);
  const meanMs = work.latency === undefined ? 0 : (work.latency.leastMs + work.latency.mostMs) / 2;
  try {
    if (own !== undefined) await warmUp(connections);
    const load = await runLoad({
      calls: work.calls,
      connections,
      wait,
      signal,
      onEnded: progress.ended,
      onLeft: task => left.push(task),
      restart:
        restart === undefined || own === undefined
          ? undefined
          : {
              afterMs: middleMs({ taskCount: flags.tasks, meanMs, parallelTasks }),
              act: () => own.restart(restart),
            },
    });
    const criteria = judgeLoad(load, {
      initiateP99Ms: flags.initiateP99 ?? 200,
      pacing: flags.longPoll === true ? undefined : pacing,
      lateToleranceMs: lag.toleranceMs(),
      mayLoseTasks: restart === 'all',
      leaseMs,
    });
    const { text, seed } = work;
    return { work: text, seed, server: server.text, isForeign: own === undefined, load, criteria };
  } finally {
    lag.stop();
    if (own === undefined) await cancelAll(left);
    await connections.close();
  }
}

/** A server that goes on after us should not go on with what nobody waits for. */
async function cancelAll(left: readonly TaskHandle[]): Promise<void> {
  await isWithin(Promise.allSettled(left.map(task => task.cancel())), CANCEL_LIMIT_MS);
}

/** Measures how late this process notices that a time has come. */
function eventLoopLag() {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  return {
    /** What is this process's own lateness: one lag before an answer is read and one before the next request. */
    toleranceMs: () => LATE_TOLERANCE_MS + (2 * histogram.max) / NANOSECONDS_PER_MS,
    stop: () => void histogram.disable(),
  };
}

/**
 * Starts tasks of no length through connections to a server that has just been started: what a fresh process takes to
 * load and compile its code is nothing that its later callers wait for.
 */
async function warmUp(connections: Connections): Promise<void> {
  const starts = Array.from({ length: STARTS }, async (_, index) => {
    const task = await connections.of(index).startTool(sleepCall(0));
    task.detach();
  });
  await Promise.all(starts);
}

/** A spinner with the count on a terminal; in a pipe a line for every tenth of the tasks. */
function loadProgress(taskCount: number, io: CommandIo): LoadProgress {
  let count = 0;
  const state = () => `${count} of ${taskCount} tasks have ended`;
  if (!io.stderr.isTTY) {
    const step = Math.ceil(taskCount / 10);
    return {
      say: line => io.stderr.write(`${line}\n`),
      ended() {
        count += 1;
        if (count % step === 0 || count === taskCount) io.stderr.write(`${state()}\n`);
      },
      stop() {},
    };
  }
  const stream = (io.terminal ?? io.stderr) as NodeJS.WriteStream;
  const spinner = yoctoSpinner({ stream, handleSignals: false }).start(state());
  return {
    say(line) {
      spinner.stop();
      io.stderr.write(`${line}\n`);
      spinner.start(state());
    },
    ended() {
      count += 1;
      spinner.text = state();
    },
    stop: () => void spinner.stop(),
  };
}

/** How the tasks of a load test are waited for, and the pace at which their state is then asked for. */
function waitOfLoad({ flags, settings, work, server }: Test): { wait: WaitOptions; pacing: Pacing } {
  const { parallelTasks, leaseMs } = server;
  const { tasks: taskCount, timeout, restart } = flags;
  const usualMs =
    work.latency === undefined
      ? TOOL_TIMEOUT_MS
      : 2 * expectedMs({ taskCount, mostMs: work.latency.mostMs, parallelTasks }) + leaseMs + SPARE_MS;
  const wait: WaitOptions = {
    ...waitOptionsOf(settings),
    deadlineMs: timeout ?? usualMs,
    // The time bounds the wait.
    maxAttempts: Number.POSITIVE_INFINITY,
    // What is measured is the start itself, and our own pace unless the server's waiting is asked for.
    inlineWaitMs: 0,
    longPollMs: flags.longPoll === true ? undefined : 0,
    requestRetries: restart === undefined ? undefined : RESTART_REQUEST_RETRIES,
  };
  return { wait, pacing: resolveWaitOptions(wait, defaultWaitOptions) };
}
