import type { Settings } from '../server/config/config-schema.js';
import type { ProbeOptions } from '../server/http/probe-server.js';
import { startWorker } from '../server/index.js';
import { useSettings } from './config/load-settings.js';
import { reportError } from './error-report.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { TaskFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { logLines } from './log-line.js';
import { readSecretFile } from './secret-file.js';
import { untilEnded } from './until-ended.js';
import { offeredOperations, webhookOptions } from './worker-options.js';

/** Those that are no settings, and where the worker can be watched. */
export interface WorkerFlags extends TaskFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly metricsTokenFile?: string;
  readonly taskPage?: boolean;
  readonly trustedProxy?: readonly string[];
}

/** `mcp-await worker`: runs the tasks that servers without a worker of their own accept on the same store. */
export async function worker(flags: WorkerFlags, io: CommandIo): Promise<number> {
  const settings = await useSettings(flags, io);
  const { state, execution } = settings;
  const offer = { settings, serversFile: flags.config, nearestServers: true, sleep: true, io };
  const operations = await offeredOperations(offer);
  const running = await startWorker({
    operations,
    store: state.provider,
    keyPrefix: state.keyPrefix,
    concurrency: execution.maxConcurrency,
    principalShare: execution.principalShare,
    maxTtlSeconds: state.maxTtlSeconds,
    maxResultBytes: state.maxResultBytes,
    leaseSeconds: state.leaseSeconds,
    webhooks: await webhookOptions(settings.webhooks, io),
    taskPage: settings.server.taskPage,
    probes: await probeOptions(flags, settings.server, io),
    onError: error => reportError(error, io),
    observability: settings.observability,
    onLog: logLines(io),
  });
  // From the lines on, whoever reads them may send a signal.
  const ended = untilEnded(running, execution.drainSeconds, io);
  if (running.port !== undefined) io.stderr.write(`Metrics on port ${running.port}\n`);
  io.stderr.write(`Working on ${operations.map(({ name }) => name).join(', ')}\n`);
  await ended;
  return ExitCode.completed;
}

async function probeOptions(
  { metricsPort: port, metricsHost: host, metricsTokenFile: file, taskPage, trustedProxy }: WorkerFlags,
  { trustedProxies }: Settings['server'],
  io: CommandIo,
): Promise<ProbeOptions | undefined> {
  if (port === undefined) {
    const strays = {
      '--metrics-host': host,
      '--metrics-token-file': file,
      '--task-page': taskPage || undefined,
      '--trusted-proxy': trustedProxy,
    };
    const [stray] = Object.entries(strays).find(([, value]) => value !== undefined) ?? [];
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
