import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectTarget, resolveTarget } from '../../client/connect/connect.js';
import { formatDuration } from '../../time/duration.js';
import type { CommandIo } from '../io.js';
import { chooseServer } from '../server-choice.js';
import type { LoadFlags } from './load-flags.js';
import { type OwnServers, startOwnServers } from './own-servers.js';

/** The server that is tested. */
export interface ServerUnderLoad {
  readonly target: ConnectTarget;
  readonly configFile: string | undefined;
  /** How many connections it is spoken to over. */
  readonly connectionCount: number;
  /** For people; holds no secret. */
  readonly text: string;
  /** Undefined for a server that is not ours. */
  readonly own: OwnServers | undefined;
  /** Most tasks that it runs at the same time; `Infinity` where nobody knows. */
  readonly parallelTasks: number;
  readonly leaseMs: number;
  close(): Promise<void>;
}

export interface ServerOfLoad {
  readonly flags: LoadFlags;
  /** What stood after `--`. */
  readonly command: readonly string[];
  readonly io: CommandIo;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const CONNECTIONS = 4;
const LEASE_MS = 30_000;
/** Nobody wants to wait half a minute for what a kill has lost. */
const RESTART_LEASE_MS = 5000;

/** The server that the flags choose; one of our own, in processes of their own, where they choose none. */
export async function serverUnderLoad(options: ServerOfLoad): Promise<ServerUnderLoad> {
  const { flags, command, io } = options;
  if (flags.url === undefined && flags.server === undefined && command.length === 0)
    return ownServer(options);
  const { target, configFile, words } = chooseServer(flags, command, io);
  // Every connection to a command would be a server of its own.
  const connectionCount = 'url' in resolveTarget(target, configFile) ? CONNECTIONS : 1;
  const facts = { own: undefined, parallelTasks: Number.POSITIVE_INFINITY, leaseMs: LEASE_MS };
  return { target, configFile, connectionCount, text: words.trim(), ...facts, async close() {} };
}

async function ownServer({ flags, io, signal, say }: ServerOfLoad): Promise<ServerUnderLoad> {
  const { workers: workerCount = 0, tasks, restart } = flags;
  const leaseMs = flags.lease ?? (restart === undefined ? LEASE_MS : RESTART_LEASE_MS);
  const processCount = Math.max(1, workerCount);
  const concurrency = flags.concurrency ?? Math.ceil(tasks / processCount);
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-load-'));
  const store = flags.store ?? `sqlite:${join(folder, 'tasks.db')}`;
  const settingsFile = join(folder, 'settings.json');
  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    await writeFile(settingsFile, '{}');
    const own = await startOwnServers({
      store,
      keyPrefix: flags.keyPrefix,
      settingsFile,
      workerCount,
      concurrency,
      leaseMs,
      io,
      signal,
      say,
    });
    return {
      target: own.url,
      configFile: undefined,
      connectionCount: CONNECTIONS,
      text: `${describe(workerCount, concurrency)}, ${describeStore(flags.store)}, lease ${formatDuration(leaseMs)}`,
      own,
      parallelTasks: concurrency * processCount,
      leaseMs,
      async close() {
        await own.stop();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

function describe(workerCount: number, concurrency: number): string {
  if (workerCount === 0) return `one that load has started, up to ${concurrency} tasks at once`;
  return `a front and ${workerCount} workers that load has started, up to ${concurrency} tasks at once each`;
}

/** The URL of a store may hold a password. */
function describeStore(store: string | undefined): string {
  return store === undefined ? 'in a temporary SQLite file' : `store ${store.split(':', 1)[0]}:`;
}
