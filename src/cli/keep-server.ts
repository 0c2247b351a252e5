import { spawn } from 'node:child_process';
import type { AwaitClient } from '../client/await-client.js';
import { ReconnectingTransport } from '../client/connection/reconnecting-transport.js';
import { HANDED_FDS, type HandedServer } from '../client/stdio/handed-server.js';
import { StdioTransport } from '../client/stdio/stdio-transport.js';
import type { TaskHandle } from '../client/task-handle.js';
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
}

/**
 * What becomes of the server when this command ends:
 * - `stays`: it is not ours, or ends by itself when its work is done;
 * - `kept`: another process keeps it until the task has ended;
 * - `ends`: it ends, too.
 */
export type ServerFate = 'stays' | 'kept' | 'ends';

export interface KeepOptions {
  readonly client: AwaitClient;
  readonly server: ChosenServer;
  readonly io: CommandIo;
  /** Whether the task can end without answers to its questions, which nobody would give. */
  readonly mayEnd: boolean;
}

/** Leaves the server of a task that is not over to a process of its own, where it would end with this one. */
export async function keepServer(
  task: TaskHandle,
  { client, server, io, mayEnd }: KeepOptions,
): Promise<ServerFate> {
  const { transport } = client;
  const wire = transport instanceof ReconnectingTransport ? transport.current : undefined;
  if (!(wire instanceof StdioTransport) || server.known?.kind === 'bundled') return 'stays';
  const { reference, journalId } = task;
  // A result that nobody could fetch need not be waited for.
  if (!mayEnd || reference === undefined || journalId === undefined || process.platform === 'win32')
    return 'ends';
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
      const kept: KeptServer = { handed, server, reference, journalId };
      keeper.stdin?.end(JSON.stringify(kept));
      keeper.unref();
    };
  });
  if (!isKept) return 'ends';
  // Until the other process says so itself.
  await withJobs(io, journal => journal.holdClaims([journalId])).catch(() => {});
  return 'kept';
}
