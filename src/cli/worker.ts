import type { Settings } from '../server/config/config-schema.js';
import type { ProbeOptions } from '../server/http/probe-server.js';
import { startWorker } from '../server/index.js';
import { useSettings } from './config/load-settings.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { TaskFlags } from './flags.js';
import { givenFlags } from './given-flags.js';
import type { CommandIo } from './io.js';
import { readSecretFile } from './secret-file.js';
import { untilEnded } from './until-ended.js';
import { offeredOperations, runtimeOptions } from './worker-options.js';

const WITH_METRICS = ['--metrics-host', '--metrics-token-file', '--task-page', '--trusted-proxy'];

/** Those that are no settings, and where the worker can be watched. */
export interface WorkerFlags extends TaskFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly metricsTokenFile?: string;
  readonly taskPage?: boolean;
}

/** `mcp-await worker`: runs the tasks that servers without a worker of their own accept on the same store. */
export async function worker(flags: WorkerFlags, io: CommandIo): Promise<number> {
  const settings = await useSettings(flags, io);
  const offer = { settings, serversFile: flags.config, nearestServers: true, sleep: true, io };
  const operations = await offeredOperations(offer);
  const running = await startWorker({
    operations,
    ...(await runtimeOptions(settings, io)),
    probes: await probeOptions(flags, settings.server, io),
  });
  // From the lines on, whoever reads them may send a signal.
  const ended = untilEnded(running, settings.execution.drainSeconds, io);
  if (running.port !== undefined) io.stderr.write(`Metrics on port ${running.port}\n`);
  io.stderr.write(`Working on ${operations.map(({ name }) => name).join(', ')}\n`);
  await ended;
  return ExitCode.completed;
}

async function probeOptions(
  flags: WorkerFlags,
  { trustedProxies }: Settings['server'],
  io: CommandIo,
): Promise<ProbeOptions | undefined> {
  const { metricsPort: port, metricsHost: host, metricsTokenFile: file, taskPage } = flags;
  if (port === undefined) {
    const [stray] = givenFlags({ ...flags, taskPage: taskPage || undefined }, WITH_METRICS);
    if (stray !== undefined) throw new UsageError(`${stray} goes with --metrics-port.`);
    return undefined;
  }
  return {
    host,
    port,
    trustedProxies,
    tokens: file === undefined ? [] : await readSecretFile(file, 'token', io),
  };
}
