// Tasks that tell their progress, asked for the first time: backoff alone, and with the forecast that progress allows. Simulated.
import { DurationMemory } from '../dist/pacing/duration-memory.js';
import { backoffPacer, LearningPacer } from '../dist/pacing/pacer.js';
import { percentile, printTable } from './measure.js';
import { pacing, randomFrom } from './waiting-simulation.js';

const SECOND = 1000;
const TOTAL = 1000;

/** What a task tells after the share `done` of its time, 0 to 1. */
const shapes = {
  'every moment': done => done,
  'in tenths': done => Math.floor(done * 10) / 10,
  'in quarters': done => Math.floor(done * 4) / 4,
  'fast, then slow': done => done ** 0.6,
  'slow, then fast': done => done ** 1.6,
  'after a quarter of the time in a queue': done => Math.max(0, (done - 0.25) / 0.75),
  'stands at 99 % for a fifth of the time': done => Math.min(0.99, (done / 0.8) * 0.99),
};

export const durations = { '2 to 30 s': [2, 30], '30 s to 5 min': [30, 300], '5 min to 1 h': [300, 3600] };

function simulateTask(pacer, clock, { durationMs, shape }) {
  let requests = 0;
  do {
    clock.elapsedMs += pacer.next(requests).delayMs;
    requests++;
    const progress = { progress: shape(Math.min(clock.elapsedMs / durationMs, 1)) * TOTAL, total: TOTAL };
    pacer.answered(clock.elapsedMs >= durationMs ? 'ended' : 'running', clock.elapsedMs, progress);
  } while (clock.elapsedMs < durationMs);
  return { lateMs: clock.elapsedMs - durationMs, durationMs, requests };
}

/** @returns of each strategy, the median of the lateness, its median as a share of the duration, and the mean of the requests */
export function simulateProgress(shapeName, [from, to], tasks = 400) {
  const shape = shapes[shapeName];
  const strategies = {
    backoff: (_clock, random) => backoffPacer(pacing, random),
    forecast: (clock, random) =>
      // Nothing is known of earlier tasks.
      new LearningPacer({
        memory: new DurationMemory(),
        key: '',
        pacing,
        ageMs: 0,
        fromStart: true,
        random,
        clock: { now: () => clock.elapsedMs },
      }),
  };
  return Object.fromEntries(
    Object.entries(strategies).map(([name, pacerFor]) => {
      const [lengths, random] = [randomFrom(3), randomFrom(4)];
      const runs = Array.from({ length: tasks }, () => {
        const clock = { elapsedMs: 0 };
        const durationMs = from * (to / from) ** lengths() * SECOND;
        return simulateTask(pacerFor(clock, random), clock, { durationMs, shape });
      });
      const median = values => percentile(values, 0.5);
      return [
        name,
        {
          lateMs: median(runs.map(run => run.lateMs)),
          lateShare: median(runs.map(run => run.lateMs / run.durationMs)),
          // The larger of both bounds is what a task is held against.
          overBound: median(runs.map(run => run.lateMs / Math.max(SECOND, run.durationMs * 0.05))),
          requests: runs.reduce((sum, run) => sum + run.requests, 0) / tasks,
        },
      ];
    }),
  );
}

export const progressShapes = Object.keys(shapes);

export function progressSimulation() {
  const rows = Object.entries(durations).flatMap(([length, bounds]) =>
    progressShapes.map(name => {
      const { backoff, forecast } = simulateProgress(name, bounds);
      const cells = ({ lateMs, lateShare, requests }) => [
        `${(lateMs / SECOND).toFixed(2)} s`,
        `${(lateShare * 100).toFixed(1)} %`,
        requests.toFixed(1),
      ];
      const met = forecast.overBound <= 1 && forecast.requests <= backoff.requests + 2;
      return [length, name, ...cells(backoff), ...cells(forecast), met ? 'met' : 'missed'];
    }),
  );
  const names = ['late p50', 'of duration', 'requests'];
  printTable(
    'Tasks that tell their progress, asked for the first time, simulated (target: late by 1 s or 5 % at the median, at most two requests more)',
    [
      'duration',
      'progress is told',
      ...names.map(name => `backoff: ${name}`),
      ...names.map(name => `with progress: ${name}`),
      'target',
    ],
    rows,
  );
}
