import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { AwaitClient } from '../client/await-client.js';
import { ReconnectingTransport } from '../client/connection/reconnecting-transport.js';
import { HANDED_FDS, type HandedServer } from '../client/stdio/handed-server.js';
import { HAS_GROUPS } from '../client/stdio/process-group.js';
import { StdioTransport } from '../client/stdio/stdio-transport.js';
import type { TaskHandle } from '../client/task-handle.js';
import type { Settings } from '../server/config/config-schema.js';
import { isWithin } from '../time/at-most.js';
import type { TaskReference } from '../types.js';
import type { CommandIo } from './io.js';
import { withJobs } from './jobs.js';
import { BIN, type ChosenServer } from './server-choice.js';

/** What the process that keeps a server has to know, as JSON on its standard input. */
export interface KeptServer {
  readonly handed: HandedServer;
  readonly server: Pick<ChosenServer, 'target' | 'configFile' | 'known'>;
  readonly reference: TaskReference;
  /** Of the job in the journal. */
  readonly journalId: string;
  /** The pace that the command was told. */
  readonly polling: Settings['polling'];
}

/**
 * What becomes of the server when this command ends:
 * - `stays`: it is not ours, or ends by itself when its work is done;
 * - `kept`: another process keeps it until the task has ended;
 * - `ends`: it ends, too.
 */
export type ServerFate = 'stays' | 'kept' | 'ends';

/** A server that ends with its input has ended by then. */
const PATIENCE_MS = 300;

/**
 * Closes a connection. Whoever waits for the command need not wait for a server that goes on although its input has ended:
 * a process of its own ends that.
 */
export async function closeClient(client: AwaitClient, io: CommandIo): Promise<void> {
  const wire = stdioOf(client);
  const closing = client.close();
  if (wire !== undefined && HAS_GROUPS) {
    if (!(await isWithin(closing, PATIENCE_MS)))
      wire.leaveEnding((pid, output) => startEnding(pid, output, io));
  }
  await closing;
}

function startEnding(pid: number, output: readonly Duplex[], io: CommandIo): boolean {
  const ending = spawn(process.execPath, [BIN, 'end-server', String(pid)], {
    detached: true,
    env: { ...io.env },
    // The server's output stays open: what it writes at its end breaks nothing.
    stdio: ['ignore', 'ignore', 'ignore', ...output],
  });
  ending.on('error', () => {});
  ending.unref();
  return ending.pid !== undefined;
}

function stdioOf({ transport }: AwaitClient): StdioTransport | undefined {
  const wire = transport instanceof ReconnectingTransport ? transport.current : undefined;
  return wire instanceof StdioTransport ? wire : undefined;
}

export interface KeepOptions {
  readonly client: AwaitClient;
  readonly server: ChosenServer;
  readonly settings: Pick<Settings, 'polling'>;
  readonly io: CommandIo;
  /** Whether the task can end without answers to its questions, which nobody would give. */
  readonly mayEnd: boolean;
}

/** Leaves the server of a task that is not over to a process of its own, where it would end with this one. */
export async function keepServer(
  task: TaskHandle,
  { client, server, settings, io, mayEnd }: KeepOptions,
): Promise<ServerFate> {
  const wire = stdioOf(client);
  if (wire === undefined || server.known?.kind === 'bundled') return 'stays';
  const { reference, journalId } = task;
  // A result that nobody could fetch need not be waited for.
  if (!mayEnd || reference === undefined || journalId === undefined || !HAS_GROUPS) return 'ends';
  const isKept = wire.handOver(([stdin, stdout, stderr]) => {
    const keeper = spawn(process.execPath, [BIN, 'keep'], {
      detached: true,
      env: { ...io.env },
      cwd: io.cwd(),
      stdio: ['pipe', 'ignore', 'ignore', stdin, stdout, stderr],
    });
    keeper.on('error', () => {});
    if (keeper.pid === undefined || keeper.stdio.length !== 3 + HANDED_FDS.length) return undefined;
    return handed => {
      const { polling } = settings;
      const kept: KeptServer = { handed, server, reference, journalId, polling };
      keeper.stdin?.end(JSON.stringify(kept));
      keeper.unref();
    };
  });
  if (!isKept) return 'ends';
  // Until the other process says so itself.
  await withJobs(io, journal => journal.holdClaims([journalId])).catch(() => {});
  return 'kept';
}
