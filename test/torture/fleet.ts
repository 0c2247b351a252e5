import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../fixtures/free-port.js';
import type { Service } from '../services/service-process.js';
import type { Front } from './front-connection.js';
import type { ProcessEnd, VictimKind } from './history.js';
import { OwnProcess } from './own-process.js';

const OPERATIONS = fileURLToPath(new URL('../fixtures/torture/recorded-operations.js', import.meta.url));
const FRONT_COUNT = 2;
const WORKER_COUNT = 3;
/** Few enough for tasks to wait, too. */
const WORKER_SLOTS = 3;
const LEASE = '3s';

export interface FleetOptions {
  /** For whatever the processes write. */
  readonly folder: string;
  readonly storeUrl: string;
  /** The servers of the store, which can be killed. */
  readonly services: readonly Service[];
}

/** What may be killed, and is started again. */
export interface Victim {
  readonly kind: VictimKind;
  readonly name: string;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Fronts, workers and their store: real processes, whose ends are written down. */
export interface Fleet {
  readonly fronts: readonly Front[];
  readonly victims: readonly [Victim, ...Victim[]];
  readonly runsFile: string;
  readonly ends: readonly ProcessEnd[];
  /** Starts that came to nothing. */
  readonly vainStarts: number;
  stop(): Promise<void>;
}

export async function startFleet({ folder, storeUrl, services }: FleetOptions): Promise<Fleet> {
  const settingsFile = join(folder, 'settings.json');
  const runsFile = join(folder, 'runs.jsonl');
  await writeFile(settingsFile, '{}');
  await writeFile(runsFile, '');
  const ends: ProcessEnd[] = [];
  const onEnd = (end: ProcessEnd) => ends.push(end);
  const env = { MCP_AWAIT_HOME: folder, TORTURE_RUNS: runsFile };
  const common = [
    '--settings',
    settingsFile,
    '--store',
    storeUrl,
    '--operations',
    OPERATIONS,
    '--lease',
    LEASE,
  ];
  const fronts: Front[] = [];
  const processes: OwnProcess[] = [];
  for (let number = 1; number <= FRONT_COUNT; number++) {
    const port = await freePort();
    const name = `front ${number}`;
    const words = ['serve', '--http', '--offer-sleep', '--no-worker', '--port', String(port), ...common];
    fronts.push({ name, url: `http://127.0.0.1:${port}/mcp` });
    processes.push(new OwnProcess({ kind: 'front', name, words, env, ready: /Listening on /, onEnd }));
  }
  for (let number = 1; number <= WORKER_COUNT; number++) {
    const words = ['worker', '--concurrency', String(WORKER_SLOTS), ...common];
    const name = `worker ${number}`;
    processes.push(new OwnProcess({ kind: 'worker', name, words, env, ready: /Working on /, onEnd }));
  }
  const stop = async () => {
    await Promise.all(processes.map(process => process.stop()));
  };
  try {
    await Promise.all(processes.map(process => process.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    fronts,
    victims: [...processes, ...services.map(service => storeVictim(service, onEnd))] as [Victim, ...Victim[]],
    runsFile,
    ends,
    get vainStarts() {
      return processes.reduce((sum, { vainStarts }) => sum + vainStarts, 0);
    },
    stop,
  };
}

function storeVictim(service: Service, onEnd: (end: ProcessEnd) => void): Victim {
  const name = `store at ${new URL(service.url).host}`;
  return {
    kind: 'store',
    name,
    async kill() {
      onEnd({ kind: 'store', name, pid: undefined, at: Date.now(), isKilled: true, words: '' });
      await service.kill();
    },
    start: () => service.start(),
  };
}
