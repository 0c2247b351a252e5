import { basename, resolve } from 'node:path';
import { listServers, namedServer } from '../client/connect/mcp-config.js';
import type { ServerTarget } from '../client/connect/transport.js';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import { ProxyJournal } from '../proxy/proxy-journal.js';
import { startProxy } from '../proxy/start-proxy.js';
import type { UpstreamTarget } from '../proxy/upstream.js';
import type { RunningServer } from '../server/start-server.js';
import type { StdioStreams } from '../server/stdio.js';
import { useSettings } from './config/load-settings.js';
import { reportError } from './error-report.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import { type TransportFlags, transportOf } from './given-flags.js';
import type { CommandIo } from './io.js';
import { checkTokenFlags, httpOptions, type ListenFlags, refuseHttpFlags } from './listen-options.js';
import { chooseServer, withVariables } from './server-choice.js';
import { type NamedServer, openSignIns } from './sign-in/sign-in.js';
import { relayedStreams } from './stdio-relay.js';
import { untilEnded } from './until-ended.js';
import { waitOptionsOf } from './wait-options.js';

interface ProxyTargetFlags extends ServerFlags {
  /** False with `--no-journal`. */
  readonly journal?: boolean;
}

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
  if (stdio !== undefined) refuseHttpFlags(flags);
  checkTokenFlags(flags);
  const isAttended = flags.signIn === true;
  const targets = proxyTargets(withVariables(flags, io), command, io).map(each => ({
    ...each,
    signIn: signInOf(
      { name: typeof each.target === 'string' ? each.name : undefined, config: each.configFile },
      isAttended,
      io,
    ),
  }));
  // Its own --host-timeout may be off, which the setting of `serve` may not.
  const { hostTimeout, ...others } = flags;
  const settings = await useSettings(others, io);
  const onError = (error: unknown) => reportError(error, io);
  const server = await startProxy({
    targets,
    journal: flags.journal === false ? undefined : new ProxyJournal(defaultJournalFile(io.env), onError),
    hostTimeoutMs: hostTimeout === 'off' ? Number.POSITIVE_INFINITY : hostTimeout,
    wait: { ...waitOptionsOf(settings), ...settings.connection },
    ...(stdio === undefined ? { http: await httpOptions(flags.token, settings, io) } : { stdio }),
    onNotice: line => void io.stderr.write(`${line}\n`),
    onError,
  });
  return { server, drainSeconds: settings.execution.drainSeconds };
}

/**
 * The servers that a proxy stands in front of: the one that the flags name, or all of an `mcpServers` file.
 * @throws UsageError when the flags contradict each other, or the file names no server
 */
function proxyTargets(
  flags: ProxyTargetFlags,
  command: readonly string[],
  io: CommandIo,
): readonly UpstreamTarget[] {
  const { config, url, server, journal: isKept } = flags;
  // The host has the result once it is sent. A call matters more than its record.
  const journal = { file: defaultJournalFile(io.env), required: false, acknowledge: true };
  if (config === undefined || url !== undefined || server !== undefined || command.length > 0) {
    const { target, configFile, words, known } = chooseServer(flags, command, io);
    // A name that stands for nothing is told at once, not at the first call.
    if (server !== undefined) namedServer(server, { configFile, directory: io.cwd(), environment: io.env });
    const name = server ?? (url === undefined ? basename(command[0] ?? 'mcp-await') : hostOf(url));
    const id = JSON.stringify([words, known ?? io.cwd()]);
    return [
      { name, target, configFile, id, journal: isKept === false ? undefined : { ...journal, server: known } },
    ];
  }
  const file = resolve(io.cwd(), config);
  const source = { configFile: file, directory: io.cwd(), environment: io.env };
  const servers = listServers(source).flatMap(({ name, isDisabled, timeoutMs }) => {
    const isItself = () =>
      isProxyOf(
        file,
        unlessUnusable(() => namedServer(name, source)),
      );
    const why = isDisabled ? 'it is switched off there' : isItself() ? 'it is this proxy itself' : undefined;
    if (why === undefined) return [{ name, timeoutMs }];
    io.stderr.write(`The server ${name} of ${file} is left out: ${why}.\n`);
    return [];
  });
  if (servers.length === 0)
    throw new UsageError(`The file ${file} names no server that this proxy could stand before.`);
  return servers.map(({ name, timeoutMs }) => ({
    name,
    target: name,
    timeoutMs,
    configFile: file,
    id: JSON.stringify([file, name]),
    journal: isKept === false ? undefined : journal,
  }));
}

/** Whether a server is a proxy in front of the file that names it, which would start itself without end. */
function isProxyOf(file: string, server: ServerTarget | undefined): boolean {
  if (server === undefined || 'url' in server) return false;
  const { args = [], cwd = '.' } = server;
  const isFile = (word: string) => resolve(cwd, word.replace(/^--config=/, '')) === file;
  return args.includes('proxy') && args.some(isFile);
}

/** One for all hosts: what they share is renewed once. */
function signInOf(server: NamedServer, isAttended: boolean, io: CommandIo): UpstreamTarget['signIn'] {
  const signIns = openSignIns({ ...server, io, isAttended: () => isAttended, opensBrowser: isAttended });
  return target => signIns.providerOf(target);
}

/** An entry that makes no sense is told of when it is connected to. */
function unlessUnusable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : 'server';
}
