import { defaultJournalFile } from '../client/journal/journal-store.js';
import { ProxyJournal } from '../proxy/proxy-journal.js';
import { startProxy } from '../proxy/start-proxy.js';
import type { RunningServer } from '../server/start-server.js';
import type { StdioStreams } from '../server/stdio.js';
import { useSettings } from './config/load-settings.js';
import { type TransportFlags, transportOf } from './config/transport-flags.js';
import { reportError } from './error-report.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { checkTokenFlags, httpOptions, type ListenFlags, strayHttpFlag } from './listen-options.js';
import { type ProxyTargetFlags, proxyTargets } from './proxy-targets.js';
import { relayedStreams } from './stdio-relay.js';
import { untilEnded } from './until-ended.js';
import { waitOptionsOf } from './wait-options.js';

export interface ProxyFlags extends ProxyTargetFlags, TransportFlags, ListenFlags {
  /** Milliseconds. */
  readonly hostTimeout?: number | 'off';
}

/** `mcp-await proxy`: an MCP server in front of others, on the streams that a relay gave this process or over HTTP. */
export async function proxy(flags: ProxyFlags, command: readonly string[], io: CommandIo): Promise<number> {
  const isHttp = transportOf(flags) === 'http';
  // Before servers are started in this environment: the line is not for them.
  const stdio = isHttp ? undefined : (relayedStreams(io) ?? { input: io.stdin, output: io.stdout });
  const { server, drainSeconds } = await start({ flags, command, stdio, io }).catch(error => {
    // Its end tells the relay; an open line would keep this process alive.
    stdio?.input.destroy();
    throw error;
  });
  const ended = untilEnded(server, drainSeconds, io);
  if (server.url !== undefined) io.stderr.write(`Listening on ${server.url}\n`);
  await ended;
  return ExitCode.completed;
}

interface Start {
  readonly flags: ProxyFlags;
  readonly command: readonly string[];
  /** Undefined for HTTP. */
  readonly stdio: StdioStreams | undefined;
  readonly io: CommandIo;
}

async function start({
  flags,
  command,
  stdio,
  io,
}: Start): Promise<{ server: RunningServer; drainSeconds: number }> {
  const stray = stdio === undefined ? undefined : strayHttpFlag(flags);
  if (stray !== undefined) throw new UsageError(`${stray} goes with --http.`);
  checkTokenFlags(flags);
  const targets = proxyTargets(flags, command, io);
  const settings = await useSettings(flags, io);
  const onError = (error: unknown) => reportError(error, io);
  const server = await startProxy({
    targets,
    journal: flags.journal === false ? undefined : new ProxyJournal(defaultJournalFile(io.env), onError),
    hostTimeoutMs: flags.hostTimeout === 'off' ? Number.POSITIVE_INFINITY : flags.hostTimeout,
    wait: { ...waitOptionsOf(settings), ...settings.connection },
    ...(stdio === undefined ? { http: await httpOptions(flags.token, settings.server, io) } : { stdio }),
    onNotice: line => void io.stderr.write(`${line}\n`),
    onError,
  });
  return { server, drainSeconds: settings.execution.drainSeconds };
}
