import { failureRate, type OperationStats } from '../../engine/operation-stats.js';
import type { StoreView } from './store-watch.js';

/** One metric, as Prometheus and OpenTelemetry know it; the operator's prefix comes before its name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** As OpenTelemetry writes it; none where something is counted. */
  readonly unit?: 's';
}

export interface HistogramFamily extends MetricFamily {
  /** Upper bounds of all but the last. */
  readonly buckets: readonly number[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What the store tells: the same in every process on it. */
export interface StoreGauge extends MetricFamily {
  samples(view: StoreView): readonly Sample[];
}

const STATUSES = ['pending', 'processing', 'completed', 'failed', 'cancelled'] as const;

export const STORE_GAUGES: readonly StoreGauge[] = [
  {
    name: 'store_up',
    help: 'Whether the store answered the last check.',
    labels: [],
    samples: ({ stats }) => [{ labels: {}, value: stats === undefined ? 0 : 1 }],
  },
  {
    name: 'tasks',
    help: 'Tasks that the store holds, by status.',
    labels: ['operation', 'status'],
    samples: ({ stats = [] }) =>
      stats.flatMap(entry =>
        STATUSES.map(status => ({ labels: { operation: entry.operation, status }, value: entry[status] })),
      ),
  },
  perOperation('queue_depth', 'Tasks that wait for a worker.', stats => stats.pending),
  perOperation('tasks_asking', 'Tasks that wait for the answer of a person.', stats => stats.asking),
  durationPerOperation(
    'oldest_waiting_seconds',
    'How long the oldest waiting task has waited.',
    // No task waits: that is no wait, not an unknown one.
    stats => stats.oldestWaitMs ?? 0,
  ),
  durationPerOperation(
    'task_duration_seconds_mean',
    'Mean duration of the tasks that ended in the window.',
    stats => stats.recent.meanDurationMs,
  ),
  durationPerOperation(
    'task_duration_seconds_p95',
    '95th percentile of the durations of the tasks that ended in the window.',
    stats => stats.recent.p95DurationMs,
  ),
  perOperation('task_failure_rate', 'Share of failed tasks among those that ended in the window.', stats =>
    failureRate(stats.recent),
  ),
  {
    name: 'alert',
    help: 'Whether an alert is active: failure_rate or mean_over_sla.',
    labels: ['operation', 'alert'],
    samples: ({ alerts }) =>
      alerts.map(({ operation, alert, active }) => ({
        labels: { operation, alert },
        value: active ? 1 : 0,
      })),
  },
];

/** What this process counts. */
export const PROCESS_METRICS = {
  initiated: {
    name: 'tasks_initiated_total',
    help: 'Tasks that this process accepted.',
    labels: ['operation'],
  },
  runs: {
    name: 'task_runs_total',
    help: 'Runs of tasks that ended in this process, by outcome.',
    labels: ['operation', 'outcome'],
  },
  lost: {
    name: 'tasks_lost_total',
    help: 'Tasks that this process failed because their worker died or was stopped.',
    labels: ['operation'],
  },
  runDuration: {
    name: 'task_run_duration_seconds',
    help: 'Durations of the runs in this process.',
    labels: ['operation'],
    unit: 's',
    // From a look-up to a job of an hour.
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
  },
  calls: { name: 'tool_calls_total', help: 'Calls of tools, by outcome.', labels: ['tool', 'outcome'] },
  initiateDuration: {
    name: 'initiate_duration_seconds',
    help: 'How long initiate_background_task took to answer.',
    labels: [],
    unit: 's',
    // About the promised 0.5 s.
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5],
  },
  requests: {
    name: 'http_requests_total',
    help: 'HTTP requests that were answered, by endpoint and status.',
    labels: ['endpoint', 'code'],
  },
} as const satisfies Readonly<Record<string, MetricFamily | HistogramFamily>>;

function perOperation(
  name: string,
  help: string,
  getValue: (stats: OperationStats) => number | undefined,
): StoreGauge {
  return {
    name,
    help,
    labels: ['operation'],
    samples: ({ stats = [] }) =>
      stats.flatMap(entry => {
        const value = getValue(entry);
        return value === undefined ? [] : [{ labels: { operation: entry.operation }, value }];
      }),
  };
}

function durationPerOperation(
  name: string,
  help: string,
  getMs: (stats: OperationStats) => number | undefined,
): StoreGauge {
  const inSeconds = (stats: OperationStats) => {
    const durationMs = getMs(stats);
    return durationMs === undefined ? undefined : durationMs / 1000;
  };
  return { ...perOperation(name, help, inSeconds), unit: 's' };
}
