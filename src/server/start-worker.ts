import { newDeferred } from '../time/deferred.js';
import { startTimer } from '../time/sleep.js';
import { type OptionNames, refuseUnknownOptions } from '../unknown-option.js';
import type { ProbeOptions } from './http/probe-server.js';
import { openRuntime, type RuntimeOptions, runtimeOptionNames } from './runtime.js';
import { taskLimits } from './task-limits.js';

export interface WorkerProcessOptions extends RuntimeOptions {
  /** The most that the servers let a call ask for with `ttl_seconds`, from 60 on. @default 604800 */
  readonly maxTtlSeconds?: number | undefined;
  /** Whether the page of all tasks is served at `/tasks` of the probes. @default false */
  readonly taskPage?: boolean | undefined;
  /** Serves `/metrics`, `/health` and `/ready` there. */
  readonly probes?: ProbeOptions | undefined;
}

const optionNames: OptionNames<WorkerProcessOptions> = {
  ...runtimeOptionNames,
  maxTtlSeconds: true,
  probes: true,
  taskPage: true,
};
const probeOptionNames: OptionNames<ProbeOptions> = {
  host: true,
  port: true,
  tokens: true,
  trustedProxies: true,
};

export interface RunningWorker {
  /** Of the probes; undefined when there are none. */
  readonly port: number | undefined;
  /** Settles when the worker was closed. */
  readonly ended: Promise<void>;
  /** Takes no more work, gives what runs `graceMs` milliseconds to end, and closes. @default 0 */
  close(graceMs?: number): Promise<void>;
}

/**
 * Runs the tasks that servers without a worker of their own accept on the same store, until it is closed.
 * @throws ConfigurationError when an option is not usable or the store cannot be opened
 * @example
 * const worker = await startWorker({ operations: [resizeImage], store: 'sqlite:/var/lib/app/tasks.db' });
 */
export async function startWorker(options: WorkerProcessOptions): Promise<RunningWorker> {
  refuseUnknownOptions('`startWorker`', options, optionNames);
  refuseUnknownOptions('`probes`', options.probes, probeOptionNames);
  const runtime = await openRuntime(options, {
    limits: taskLimits({ maxTtlSeconds: options.maxTtlSeconds }),
    isShared: true,
    metrics: options.probes !== undefined,
    defaultLevel: 'info',
  });
  const { engine, deliveries, observation } = runtime;
  const watching = observation.watch(engine);
  const source = options.taskPage === true ? { engine, announce: deliveries.announce } : undefined;
  // With the probes comes all of HTTP, which few workers need.
  const startProbes = async (given: ProbeOptions) =>
    (await import('./http/probe-server.js')).startProbeServer(given, watching, source);
  const probes =
    options.probes &&
    (await startProbes(options.probes).catch(async error => {
      await runtime.close();
      throw error;
    }));
  const worker = runtime.startWorker();
  observation.setPhase('serving');
  // An idle worker holds nothing else that would keep its process alive.
  const stopWaiting = startTimer(Number.MAX_SAFE_INTEGER, () => {});
  const closed = newDeferred();
  return {
    port: probes?.port,
    ended: closed.promise,
    async close(graceMs = 0) {
      observation.setPhase('closing');
      probes?.startClosing();
      await worker.drain(graceMs);
      await runtime.close();
      await probes?.close();
      stopWaiting();
      closed.resolve();
    },
  };
}
