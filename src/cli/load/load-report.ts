import { formatDuration } from '../../time/duration.js';
import { tableLines } from '../text-table.js';
import type { LoadMeasurement, TaskMeasurement } from './measurement.js';
import { type Summary, summaryOf, tally } from './statistics.js';
import { type Criterion, hasEnded } from './verdict.js';

/** What was run, and what came of it. */
export interface LoadReport {
  /** What every task did, such as `sleep, 10 s to 15 s each (seed 7)`. */
  readonly work: string;
  readonly seed: number | undefined;
  readonly server: string;
  /** Whether the server's clock may be another than ours. */
  readonly isForeign: boolean;
  readonly load: LoadMeasurement;
  readonly criteria: readonly Criterion[];
}

export function hasPassed({ criteria }: LoadReport): boolean {
  return criteria.every(({ passed }) => passed);
}

/** The report for people. */
export function reportLines(report: LoadReport): string[] {
  const { work, server, load, criteria, isForeign } = report;
  const figures = figuresOf(load);
  const counts = (words: Readonly<Record<string, number>>, none: string) =>
    Object.entries(words)
      .map(([word, count]) => `${count} ${word}`)
      .join(', ') || none;
  const verdict = hasPassed(report) ? 'passed' : 'failed';
  return [
    `${load.tasks.length} tasks: ${work}`,
    `Server: ${server}`,
    '',
    ...tableLines([
      ['', 'p50', 'p99', 'max'],
      ['initiate', ...cells(figures.initiateMs, formatDuration)],
      ['polls per task', ...cells(figures.pollsPerTask, String)],
      [`lateness of detection${isForeign ? ' *' : ''}`, ...cells(figures.latenessMs, formatDuration)],
    ]),
    '',
    `Ended:  ${counts(figures.statuses, 'none')} in ${formatDuration(load.wallMs)}, ${figures.tasksPerSecond.toFixed(1)} tasks/s`,
    `Errors: ${counts(figures.errors, 'none')}`,
    ...(load.restart === undefined ? [] : [`Reconnects: ${load.restart.reconnects}`]),
    ...(isForeign && figures.latenessMs !== undefined
      ? ["* From the server's clock to ours: any difference between the two is in it."]
      : []),
    '',
    ...criteria.map(({ passed, text }) => `${passed ? '✓' : '✗'} ${text}`),
    `Verdict: ${verdict}`,
  ];
}

/** The report for programs. */
export function reportObject(report: LoadReport): object {
  const { work, seed, server, load, criteria } = report;
  return {
    passed: hasPassed(report),
    work,
    seed: seed ?? null,
    server,
    tasks: load.tasks.length,
    wallMs: Math.round(load.wallMs),
    ...figuresOf(load),
    restart: load.restart ?? null,
    criteria,
  };
}

function figuresOf({ tasks, wallMs }: LoadMeasurement) {
  return {
    tasksPerSecond: tasks.filter(hasEnded).length / (wallMs / 1000),
    initiateMs: summaryOf(tasks.flatMap(({ initiateMs }) => initiateMs ?? [])),
    pollsPerTask: summaryOf(tasks.map(({ polls }) => polls)),
    latenessMs: summaryOf(tasks.flatMap(latenessOf)),
    statuses: tally(tasks.map(({ fate }) => fate.status)),
    errors: tally(tasks.flatMap(({ fate }) => ('code' in fate ? [fate.code] : []))),
  };
}

function latenessOf({ endedAt, knownAt }: TaskMeasurement): number[] {
  return endedAt === undefined || knownAt === undefined ? [] : [knownAt - endedAt];
}

function cells(summary: Summary | undefined, shown: (value: number) => string): string[] {
  return summary === undefined ? ['-'] : [summary.p50, summary.p99, summary.max].map(shown);
}
