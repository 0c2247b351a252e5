import { failureRate, type OperationStats } from '../engine/operation-stats.js';
import { formatDuration } from '../time/duration.js';
import type { SettingsFlag } from './config/find-file.js';
import { useSettings } from './config/load-settings.js';
import { openExistingStore } from './existing-store.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';
import { printJson, printLines } from './report.js';
import { tableLines } from './text-table.js';

export interface StatsFlags extends SettingsFlag {
  /** Milliseconds. */
  readonly window?: number;
  readonly json?: boolean;
}

const HOUR_MS = 3_600_000;

const HEAD = [
  'operation',
  'waiting',
  'running',
  'asking',
  'completed',
  'failed',
  'cancelled',
  'mean',
  'p95',
  'failing',
  'oldest waiting',
];

/** `mcp-await stats`: how the tasks of a store stand, by operation. */
export async function stats(flags: StatsFlags, io: CommandIo): Promise<number> {
  const { window = HOUR_MS, json } = flags;
  const engine = await openExistingStore(await useSettings(flags, io), io);
  try {
    const operations = await engine.stats(window);
    if (json === true) printJson(io, { windowMs: window, operations: operations.map(withRate) });
    else if (operations.length === 0) io.stderr.write('The store holds no tasks.\n');
    else printLines(io, tableLines([HEAD, ...operations.map(tableRow)]));
    return ExitCode.completed;
  } finally {
    await engine.close();
  }
}

function withRate(operation: OperationStats) {
  return { ...operation, recent: { ...operation.recent, failureRate: failureRate(operation.recent) } };
}

function tableRow(stats: OperationStats): string[] {
  const { recent, oldestWaitMs } = stats;
  const rate = failureRate(recent);
  const counts = [
    stats.pending,
    stats.processing,
    stats.asking,
    stats.completed,
    stats.failed,
    stats.cancelled,
  ].map(String);
  const percent = rate === undefined ? '-' : `${Number((100 * rate).toFixed(1))} %`;
  return [
    stats.operation,
    ...counts,
    shownDuration(recent.meanDurationMs),
    shownDuration(recent.p95DurationMs),
    percent,
    shownDuration(oldestWaitMs),
  ];
}

function shownDuration(durationMs: number | undefined): string {
  return durationMs === undefined ? '-' : formatDuration(durationMs);
}
