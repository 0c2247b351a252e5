import { startWorker } from '../server/index.js';
import { useSettings } from './config/load-settings.js';
import { reportError } from './error-report.js';
import { ExitCode } from './exit-code.js';
import type { TaskFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { logLines } from './log-line.js';
import { offeredOperations } from './offered-operations.js';
import { untilEnded } from './until-ended.js';
import { webhookOptions } from './webhook-options.js';

/** `mcp-await worker`: runs the tasks that servers without a worker of their own accept on the same store. */
export async function worker(flags: TaskFlags, io: CommandIo): Promise<number> {
  const settings = await useSettings(flags, io);
  // Whoever read the standard error may leave; the work goes on.
  io.stderr.on('error', () => {});
  const { state, execution } = settings;
  const operations = await offeredOperations({
    settings,
    serversFile: flags.config,
    nearestServers: true,
    io,
  });
  const running = await startWorker({
    operations,
    store: state.provider,
    concurrency: execution.maxConcurrency,
    maxResultBytes: state.maxResultBytes,
    leaseSeconds: state.leaseSeconds,
    webhooks: await webhookOptions(settings.webhooks, io),
    onError: error => reportError(error, io),
    observability: settings.observability,
    onLog: logLines(io),
  });
  io.stderr.write(`Working on ${operations.map(({ name }) => name).join(', ')}\n`);
  await untilEnded(running, execution.drainSeconds, io);
  return ExitCode.completed;
}
