import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { StdioStreams } from '../server/stdio.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';

/** Names the file descriptor on which a server that was started by a relay finds its client. */
const LINE_VARIABLE = 'MCP_AWAIT_LINE';
const LINE = 3;

/**
 * Serves this process's standard streams through a server process of its own. MCP clients kill a server on standard
 * streams a few seconds after they leave, which would end its tasks; they can only kill the relay, and the server
 * behind it finishes what it has accepted.
 */
export async function relayStdio(io: CommandIo): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...io.argv.slice(1)], {
    detached: true,
    env: { ...io.env, [LINE_VARIABLE]: String(LINE) },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const line = child.stdio[LINE] as Socket;
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const closed = once(line, 'close');
  let clientLeft = false;
  const leave = () => {
    clientLeft = true;
    line.destroy();
  };
  const stop = () => (clientLeft ? leave() : child.kill('SIGTERM'));
  io.on('SIGINT', stop);
  io.on('SIGTERM', stop);
  io.stdin.once('end', () => {
    clientLeft = true;
  });
  io.stdout.on('error', leave);
  line.on('error', () => line.destroy());
  io.stdin.pipe(line).pipe(io.stdout, { end: false });
  child.stderr?.pipe(io.stderr, { end: false });
  await closed;
  io.stdin.unpipe(line).pause();
  // The server closes the line first only when its client has left; then it goes on by itself.
  if (!clientLeft) return (await exited)[0] ?? ExitCode.interrupted;
  child.stderr?.destroy();
  child.unref();
  io.off('SIGINT', stop);
  io.off('SIGTERM', stop);
  return ExitCode.completed;
}

/** Whether this process is to serve standard streams and no relay stands between it and its client yet. */
export function needsRelay(http: boolean | undefined, io: CommandIo): boolean {
  return http !== true && io.env[LINE_VARIABLE] === undefined;
}

/** The client's streams when a relay started this process; undefined otherwise. */
export function relayedStreams(io: CommandIo): StdioStreams | undefined {
  if (io.env[LINE_VARIABLE] === undefined) return undefined;
  const line = new Socket({ fd: LINE, readable: true, writable: true, allowHalfOpen: true });
  return { input: line, output: line };
}
