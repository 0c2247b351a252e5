import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTimer } from '../../src/time/sleep.js';
import type { Service } from '../services/service-process.js';
import { keepCalling } from './caller.js';
import { wreakHavoc } from './chaos.js';
import { type Fleet, startFleet } from './fleet.js';
import type { History, RunLine } from './history.js';
import { Ledger } from './ledger.js';
import { newRandom } from './random.js';
import { countLines, findLostAlive, violationLines } from './report.js';
import { settle } from './settle.js';
import { findViolations } from './violations.js';

export interface TortureOptions {
  /** Without one, a SQLite file. */
  readonly storeUrl?: string;
  /** The servers of the store, which are killed, too. */
  readonly services: readonly Service[];
  readonly seed: number;
  readonly seconds: number;
}

export interface TortureReport {
  readonly counts: readonly string[];
  /** How many promises were broken, and the story of some. */
  readonly violationCount: number;
  readonly violations: readonly string[];
  readonly oddities: readonly string[];
  readonly acknowledged: number;
  readonly kills: number;
}

const CALLER_COUNT = 8;
const SETTLE_LIMIT_MS = 45_000;

/** Kills whatever there is while callers go on, and looks at what was left of the promises. */
export async function torture({ services, seed, seconds, ...store }: TortureOptions): Promise<TortureReport> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-torture-'));
  const { storeUrl = `sqlite:${join(folder, 'tasks.db')}` } = store;
  let fleet: Fleet | undefined;
  try {
    fleet = await startFleet({ folder, storeUrl, services });
    const ledger = new Ledger();
    await wreak({ fleet, ledger, seed, seconds });
    const settling = performance.now();
    const finalObservations = await settle({ fronts: fleet.fronts, ledger, limitMs: SETTLE_LIMIT_MS });
    const settledInMs = performance.now() - settling;
    const { ends: processEnds, vainStarts, fronts } = fleet;
    const history: History = {
      fronts: fronts.map(({ name }) => name),
      keys: ledger.keys,
      observations: ledger.observations,
      finalObservations,
      runs: await readRuns(fleet.runsFile),
      processEnds: [...processEnds],
    };
    const { troubles } = ledger;
    const violations = findViolations(history);
    return {
      counts: countLines({ history, troubles, vainStarts, settledInMs }),
      violationCount: violations.length,
      violations: violationLines(violations, history),
      oddities: violationLines(findLostAlive(history), history),
      acknowledged: ledger.taskRefs.size,
      kills: history.processEnds.filter(({ isKilled }) => isKilled).length,
    };
  } finally {
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface WreakOptions {
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly seed: number;
  readonly seconds: number;
}

async function wreak({ fleet, ledger, seed, seconds }: WreakOptions): Promise<void> {
  const random = newRandom(seed);
  const over = new AbortController();
  const { fronts, victims } = fleet;
  const stopTimer = startTimer(seconds * 1000, () => over.abort());
  const chaos = wreakHavoc(victims, random.fork(), over.signal);
  const callers = Array.from({ length: CALLER_COUNT }, (_, index) =>
    keepCalling({ name: String(index + 1), fronts, ledger, random: random.fork(), until: over.signal }),
  );
  const outcomes = await Promise.allSettled([chaos, ...callers]);
  stopTimer();
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

async function readRuns(file: string): Promise<readonly RunLine[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(line => line !== '');
  return lines.map(line => JSON.parse(line));
}
