// Backoff, a fixed second and learned pacing over durations of many shapes, for a server that only answers polls:
// simulated with the library's own pacers, so that years of waiting take a minute, and seeded, so that every run is the same.
import { DurationMemory } from '../dist/pacing/duration-memory.js';
import { backoffPacer, LearningPacer } from '../dist/pacing/pacer.js';
import { planPolls } from '../dist/pacing/poll-plan.js';
import { HOLD_MS, pollAfterMs } from '../dist/server/poll-hint.js';
import { median, percentile, printTable } from './measure.js';

const SECOND = 1000;
export const pacing = { initialIntervalMs: 1000, backoffMultiplier: 2, maxIntervalMs: 30_000, jitter: 0.1 };
const WARM = 64;
const COLD = 20;

/** From 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const normal = random => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const spread = (medianMs, sigma, random) => medianMs * Math.exp(sigma * normal(random));
const constant = seconds => ({ steady: true, durationMs: () => seconds * SECOND });

/** `durationMs` of the task that is `done` (0 to 1) of the way through its series; `steady` if that plays no part. */
export const distributions = {
  'constant 0.3 s': constant(0.3),
  'constant 12 s': constant(12),
  'constant 10 min': constant(600),
  'about 12 s (sigma 0.05)': { steady: true, durationMs: random => spread(12 * SECOND, 0.05, random) },
  'log-normal, 18 s, sigma 0.5': { steady: true, durationMs: random => spread(18 * SECOND, 0.5, random) },
  'log-normal, 18 s, sigma 1': { steady: true, durationMs: random => spread(18 * SECOND, 1, random) },
  'two peaks, 2 s and 60 s': {
    steady: true,
    durationMs: random => spread((random() < 0.5 ? 2 : 60) * SECOND, 0.05, random),
  },
  'drifting from 10 s to 40 s': {
    steady: false,
    durationMs: (random, done) => spread((10 + 30 * done) * SECOND, 0.03, random),
  },
  'a jump from 10 s to 40 s': {
    steady: false,
    durationMs: (random, done) => spread((done < 0.5 ? 10 : 40) * SECOND, 0.03, random),
  },
};

const fixedPacer = { next: () => ({ delayMs: SECOND }), answered() {} };

/** One function for each series of tasks, which gives each task its pacer. */
const strategies = {
  backoff: random => () => backoffPacer(pacing, random),
  fixed: () => () => fixedPacer,
  learned: random => {
    const memory = new DurationMemory();
    return now =>
      new LearningPacer({ memory, key: '', pacing, ageMs: 0, fromStart: true, random, clock: { now } });
  },
};

function simulateTask(pacerFor, durationMs) {
  let elapsedMs = 0;
  let requests = 0;
  const pacer = pacerFor(() => elapsedMs);
  do {
    elapsedMs += pacer.next(requests).delayMs;
    requests++;
    pacer.answered(elapsedMs >= durationMs ? 'ended' : 'running', elapsedMs);
  } while (elapsedMs < durationMs);
  return { lateMs: elapsedMs - durationMs, requests };
}

function simulateSeries(strategy, { durationMs }, { tasks, seed }) {
  const durations = randomFrom(seed);
  const pacerFor = strategies[strategy](randomFrom(seed + 1));
  return Array.from({ length: tasks }, (_, index) =>
    simulateTask(pacerFor, durationMs(durations, index / tasks)),
  );
}

const mean = numbers => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

function figures(tasks) {
  const late = tasks.map(task => task.lateMs);
  return {
    lateMs: mean(late),
    lateP95Ms: percentile(late, 0.95),
    requests: mean(tasks.map(task => task.requests)),
  };
}

/** Of each strategy, the figures of the first tasks of every series and of those after the history is warm. */
export function simulate(distribution, { series, tasks }) {
  return Object.fromEntries(
    Object.keys(strategies).map(strategy => {
      const runs = Array.from({ length: series }, (_, run) =>
        simulateSeries(strategy, distribution, { tasks, seed: 7 + 1000 * run }),
      );
      return [
        strategy,
        {
          cold: figures(runs.flatMap(run => run.slice(0, COLD))),
          warm: figures(runs.flatMap(run => run.slice(WARM))),
        },
      ];
    }),
  );
}

/** The least lateness that anybody could reach with so many requests who knew the distribution itself. */
export function leastLateness({ durationMs }, requests) {
  const random = randomFrom(1);
  const cells = 400;
  const perCell = 100;
  const sample = Array.from({ length: cells * perCell }, () => durationMs(random, 0)).sort((a, b) => a - b);
  const bounds = Array.from({ length: cells }, (_, cell) => sample[(cell + 1) * perCell - 1]);
  const boundsMs = [0, sample[0] * 0.999, ...bounds];
  const shares = [0, ...bounds.map(() => 1 / cells)];
  const estimate = { boundsMs, shares, seenShares: shares, weight: sample.length };
  const { thrifty, generous, generousShare } = planPolls(estimate, pacing, requests);
  return generous.expectedLatenessMs * generousShare + thrifty.expectedLatenessMs * (1 - generousShare);
}

const seconds = valueMs => `${(valueMs / SECOND).toFixed(2)} s`;
const cells = ({ lateMs, lateP95Ms, requests }) => [seconds(lateMs), seconds(lateP95Ms), requests.toFixed(2)];
/** Two hundredths of a request are the price of noticing that a task got slower. */
const noMore = (ours, theirs) => ours.requests <= theirs.requests * 1.02;

function warmRow([name, distribution, { backoff, fixed, learned }]) {
  const less = backoff.warm.lateMs / learned.warm.lateMs;
  const isSpread = distribution.steady && !name.startsWith('constant');
  const least = isSpread ? leastLateness(distribution, backoff.warm.requests) : undefined;
  const met = less >= 4 && noMore(learned.warm, backoff.warm);
  const best = least === undefined ? '' : `${seconds(least)} (${(backoff.warm.lateMs / least).toFixed(1)}×)`;
  const verdict = met
    ? 'met'
    : `missed: ${least > backoff.warm.lateMs / 4 ? 'beyond what is possible' : 'near'}`;
  return [
    name,
    ...cells(backoff.warm),
    ...[seconds(fixed.warm.lateMs), fixed.warm.requests.toFixed(1)],
    ...cells(learned.warm),
    ...[`${less.toFixed(1)}×`, best, verdict],
  ];
}

function coldRow([name, , { backoff, learned }]) {
  const worse = learned.cold.lateMs > backoff.cold.lateMs && !noMore(learned.cold, backoff.cold);
  return [name, ...cells(backoff.cold), ...cells(learned.cold), worse ? 'missed' : 'met'];
}

/** A client that asks when the hint says, and knows nothing else. Each look but the first is held where `holds` says so. */
function obeyHint(durationMs, holds) {
  const task = { createdAt: 0, updatedAt: 0, slaMs: Number.POSITIVE_INFINITY, waitedMs: 0 };
  let now = pollAfterMs(task, 0);
  let requests = 1;
  for (; now < durationMs; requests++) {
    const nextAt = now + pollAfterMs(task, now, holds);
    if (!holds || nextAt >= durationMs) now = nextAt;
    else if (nextAt + HOLD_MS >= durationMs) return { lateMs: 0, requests: requests + 1 };
    else now = nextAt + HOLD_MS;
  }
  return { lateMs: now - durationMs, requests };
}

function hintRow([name, { durationMs }]) {
  const random = randomFrom(7);
  const durations = Array.from({ length: 5000 }, (_, index) => durationMs(random, index / 5000));
  const [plain, held] = [false, true].map(holds => {
    const runs = durations.map(each => ({ ...obeyHint(each, holds), durationMs: each }));
    return {
      lateMs: median(runs.map(({ lateMs }) => lateMs)),
      p99: percentile(
        runs.map(({ lateMs, durationMs: each }) => lateMs / each),
        0.99,
      ),
      p99Ms: percentile(
        runs.map(({ lateMs }) => lateMs),
        0.99,
      ),
      requests: mean(runs.map(({ requests }) => requests)),
    };
  });
  const met =
    held.lateMs <= SECOND && (held.p99 <= 0.1 || held.p99Ms <= SECOND) && held.requests <= plain.requests;
  const row = ({ lateMs, p99, requests }) => [
    seconds(lateMs),
    `${Math.round(p99 * 100)} %`,
    requests.toFixed(1),
  ];
  return [name, ...row(plain), ...row(held), met ? 'met' : 'missed'];
}

export async function waitingSimulation({ series = 10, tasks = 320 } = {}) {
  const results = Object.entries(distributions).map(([name, distribution]) => [
    name,
    distribution,
    simulate(distribution, { series, tasks }),
  ]);
  const names = ['backoff: late', 'p95', 'requests', 'learned: late', 'p95', 'requests'];
  printTable(
    `Lateness and requests per task, tasks ${WARM + 1} to ${tasks} of ${series} series, simulated (target: 4× less late at no more requests)`,
    [
      'duration',
      ...names.slice(0, 3),
      'fixed 1 s: late',
      'requests',
      ...names.slice(3),
      'less late',
      'least possible',
      'target',
    ],
    results.map(warmRow),
  );
  printTable(
    `The first ${COLD} tasks of each series (target: never both later and more requests)`,
    ['duration', ...names, 'target'],
    results.map(coldRow),
  );
  printTable(
    'A client that obeys the hint of `tasks/get` alone, 5000 tasks each (target: at most 1 s late at the median, 10 % or 1 s at p99, and no more requests)',
    ['duration', 'answered at once: late', 'p99', 'requests', 'held: late', 'p99', 'requests', 'target'],
    Object.entries(distributions).map(hintRow),
  );
}
