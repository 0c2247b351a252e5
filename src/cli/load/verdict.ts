import type { Pacing } from '../../pacing/next-delay.js';
import { formatDuration } from '../../time/duration.js';
import { strayIntervals } from './backoff-check.js';
import type { LoadMeasurement, RestartMeasurement, TaskMeasurement } from './measurement.js';
import { summaryOf, tally } from './statistics.js';

/** One thing that a load test must show. */
export interface Criterion {
  readonly name: 'all-ended' | 'no-failures' | 'initiate-p99' | 'backoff' | 'restart' | 'lost-in-time';
  readonly passed: boolean;
  /** What it is, with its figure. */
  readonly text: string;
}

export interface Expectations {
  readonly initiateP99Ms: number;
  readonly pacing: Pacing | undefined;
  /** How late this machine may have been to notice that a time has come. */
  readonly lateToleranceMs: number;
  /** Whether a process that runs tasks was killed, so that some may be lost. */
  readonly mayLoseTasks: boolean;
  /** Within which tasks of a killed process must end. */
  readonly leaseMs: number;
}

/** What becomes of a task whose process dies. */
const LOST = 'WORKER_LOST';

export function isLost({ fate }: TaskMeasurement): boolean {
  return fate.status === 'failed' && fate.code === LOST;
}

export function hasEnded({ fate }: TaskMeasurement): boolean {
  return fate.status !== 'unknown';
}

/** Every criterion that applies, in the order of the life of a task. */
export function judgeLoad(load: LoadMeasurement, expected: Expectations): Criterion[] {
  const { restart, tasks } = load;
  return [
    ...initiateInTime(tasks, expected.initiateP99Ms),
    ...asConfigured(tasks, expected),
    ...(restart === undefined ? [] : [restarted(restart, tasks.length)]),
    everyTaskEnded(tasks),
    noTaskFailed(tasks, expected.mayLoseTasks),
    ...(restart !== undefined && expected.mayLoseTasks ? lostInTime(tasks, restart, expected.leaseMs) : []),
  ];
}

function initiateInTime(tasks: readonly TaskMeasurement[], limitMs: number): Criterion[] {
  const p99 = summaryOf(tasks.flatMap(({ initiateMs }) => initiateMs ?? []))?.p99;
  if (p99 === undefined) return [];
  const text = `initiate p99 ${formatDuration(p99)} (limit ${formatDuration(limitMs)})`;
  return [{ name: 'initiate-p99', passed: p99 <= limitMs, text }];
}

function asConfigured(tasks: readonly TaskMeasurement[], expected: Expectations): Criterion[] {
  const intervals = tasks.flatMap(task => task.intervals);
  if (intervals.length === 0 || expected.pacing === undefined) return [];
  const stray = strayIntervals(intervals, expected.pacing, expected.lateToleranceMs);
  const first = stray[0];
  const example =
    first === undefined
      ? ''
      : `; one of ${formatDuration(first.waitedMs)} after ${first.attempt} answers${first.hintMs === undefined ? '' : `, where the server had asked for ${formatDuration(first.hintMs)}`}`;
  const counts = `${intervals.length - stray.length} of ${intervals.length} intervals`;
  return [
    { name: 'backoff', passed: stray.length === 0, text: `backoff as configured: ${counts}${example}` },
  ];
}

function restarted({ killed, downMs, awaitedTasks }: RestartMeasurement, taskCount: number): Criterion {
  const text = `killed and restarted (${killed.join(', ')}) within ${formatDuration(downMs)} while ${awaitedTasks} of ${taskCount} tasks were awaited`;
  return { name: 'restart', passed: awaitedTasks > 0, text };
}

function everyTaskEnded(tasks: readonly TaskMeasurement[]): Criterion {
  const ended = tasks.filter(hasEnded).length;
  return {
    name: 'all-ended',
    passed: ended === tasks.length,
    text: `every task ended: ${ended} of ${tasks.length}`,
  };
}

function noTaskFailed(tasks: readonly TaskMeasurement[], mayLoseTasks: boolean): Criterion {
  const lost = tasks.filter(isLost).length;
  const codes = tasks
    .filter(task => !(mayLoseTasks && isLost(task)))
    .flatMap(({ fate }) => (fate.status === 'completed' ? [] : [fate.code]));
  const counts = Object.entries(tally(codes)).map(([code, count]) => `${count} ${code}`);
  const also = mayLoseTasks ? ` but with the killed process (${lost} ${LOST})` : '';
  const text = counts.length === 0 ? `no task failed${also}` : `tasks failed: ${counts.join(', ')}`;
  return { name: 'no-failures', passed: counts.length === 0, text };
}

/** Nobody can tell that tasks are lost before the processes that would are back. */
function lostInTime(
  tasks: readonly TaskMeasurement[],
  { killedAt, downMs }: RestartMeasurement,
  leaseMs: number,
): Criterion[] {
  const afterMs = tasks
    .filter(isLost)
    .flatMap(({ endedAt }) => (endedAt === undefined ? [] : endedAt - killedAt));
  if (afterMs.length === 0) return [];
  const lastMs = Math.max(...afterMs);
  const text = `lost tasks ended at most ${formatDuration(lastMs)} after the kill (lease ${formatDuration(leaseMs)}, restart ${formatDuration(downMs)})`;
  return [{ name: 'lost-in-time', passed: lastMs <= leaseMs + downMs, text }];
}
