import type { Settings } from '../server/config/config-schema.js';
import { type RunningServer, startServer } from '../server/start-server.js';
import type { StdioStreams } from '../server/stdio.js';
import { useSettings } from './config/load-settings.js';
import { ExitCode } from './exit-code.js';
import type { TaskFlags } from './flags.js';
import type { TransportFlags } from './given-flags.js';
import type { CommandIo } from './io.js';
import { checkTokenFlags, httpOptions, type ListenFlags, refuseHttpFlags } from './listen-options.js';
import { relayedStreams } from './stdio-relay.js';
import { untilEnded } from './until-ended.js';
import { offeredOperations, runtimeOptions } from './worker-options.js';

/** Those that are no settings, and those that go with HTTP. */
export interface ServeFlags extends TaskFlags, TransportFlags, ListenFlags {}

/** `mcp-await serve`: the bundled server in this process, on the streams that a relay gave it or over HTTP. */
export async function serve(flags: ServeFlags, io: CommandIo): Promise<number> {
  const settings = await useSettings(flags, io);
  if (settings.server.transport !== 'http') refuseHttpFlags(flags);
  checkTokenFlags(flags);
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
    ...(await runtimeOptions(settings, io)),
    ttlSeconds: state.ttlSeconds,
    defaultTimeoutSeconds: execution.defaultTimeoutSeconds,
    inputTimeoutSeconds: execution.inputTimeoutSeconds,
    retryAttempts: execution.retryAttempts,
    maxUnfinishedPerPrincipal: execution.maxUnfinishedPerPrincipal,
    maxHeldCalls: server.maxHeldCalls,
    worker: server.worker,
    inlineWindowMs: server.inlineWindowMs,
    hostTimeoutMs: server.hostTimeoutMs,
    ...(http ? { http: await httpOptions(flags.token, settings, io) } : { stdio }),
  });
}
