import type { Settings } from '../server/config/config-schema.js';
import { type RunningServer, startServer } from '../server/start-server.js';
import type { StdioStreams } from '../server/stdio.js';
import { useSettings } from './config/load-settings.js';
import type { TransportFlags } from './config/transport-flags.js';
import { reportError } from './error-report.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { TaskFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { checkTokenFlags, httpOptions, type ListenFlags, strayHttpFlag } from './listen-options.js';
import { logLines } from './log-line.js';
import { relayedStreams } from './stdio-relay.js';
import { untilEnded } from './until-ended.js';
import { offeredOperations, webhookOptions } from './worker-options.js';

/** Those that are no settings, and those that go with HTTP. */
export interface ServeFlags extends TaskFlags, TransportFlags, ListenFlags {}

/** `mcp-await serve`: the bundled server in this process, on the streams that a relay gave it or over HTTP. */
export async function serve(flags: ServeFlags, io: CommandIo): Promise<number> {
  const settings = await useSettings(flags, io);
  checkFlags(flags, settings);
  const stdio = relayedStreams(io);
  const server = await start({ flags, settings, stdio, io }).catch(error => {
    // Its end tells the relay; an open line would keep this process alive.
    stdio?.input.destroy();
    throw error;
  });
  // From the line on, whoever reads it may send a signal.
  const ended = untilEnded(server, settings.execution.drainSeconds, io);
  if (server.url !== undefined) {
    const page = settings.server.taskPage ? `The page of tasks is ${new URL('/tasks', server.url)}\n` : '';
    io.stderr.write(`Listening on ${server.url}\n${page}`);
  }
  await ended;
  return ExitCode.completed;
}

interface Start {
  readonly flags: ServeFlags;
  readonly settings: Settings;
  readonly stdio: StdioStreams | undefined;
  readonly io: CommandIo;
}

async function start({ flags, settings, stdio, io }: Start): Promise<RunningServer> {
  const { server, state, execution } = settings;
  const http = server.transport === 'http';
  return startServer({
    // Whoever reaches a port gets the servers that the operator names, not those that happen to be configured here.
    operations: await offeredOperations({
      settings,
      serversFile: flags.config,
      nearestServers: !http,
      sleep: !http,
      io,
    }),
    store: state.provider,
    keyPrefix: state.keyPrefix,
    ttlSeconds: state.ttlSeconds,
    maxTtlSeconds: state.maxTtlSeconds,
    defaultTimeoutSeconds: execution.defaultTimeoutSeconds,
    inputTimeoutSeconds: execution.inputTimeoutSeconds,
    retryAttempts: execution.retryAttempts,
    maxResultBytes: state.maxResultBytes,
    leaseSeconds: state.leaseSeconds,
    concurrency: execution.maxConcurrency,
    principalShare: execution.principalShare,
    maxUnfinishedPerPrincipal: execution.maxUnfinishedPerPrincipal,
    maxHeldCalls: server.maxHeldCalls,
    worker: server.worker,
    taskPage: server.taskPage,
    inlineWindowMs: server.inlineWindowMs,
    hostTimeoutMs: server.hostTimeoutMs,
    webhooks: await webhookOptions(settings.webhooks, io),
    ...(http ? { http: await httpOptions(flags.token, settings, io) } : { stdio }),
    onError: error => reportError(error, io),
    observability: settings.observability,
    onLog: logLines(io),
  });
}

function checkFlags(flags: ServeFlags, { server }: Settings): void {
  const stray = strayHttpFlag(flags);
  if (server.transport !== 'http' && stray !== undefined) throw new UsageError(`${stray} goes with --http.`);
  checkTokenFlags(flags);
}
