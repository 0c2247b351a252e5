import { failureRate, type OperationStats } from '../../engine/operation-stats.js';
import type { StoreView } from './store-watch.js';

/** One metric as Prometheus knows it; the operator's prefix comes before its name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
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
    help: 'Whether the store answered the last look at it.',
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
  perOperation('oldest_waiting_seconds', 'How long the oldest waiting task has waited.', stats =>
    // No task waits: that is no wait, not an unknown one.
    seconds(stats.oldestWaitMs ?? 0),
  ),
  perOperation('task_duration_seconds_mean', 'Mean duration of the tasks that ended in the window.', stats =>
    seconds(stats.recent.meanDurationMs),
  ),
  perOperation(
    'task_duration_seconds_p95',
    '95th percentile of the durations of the tasks that ended in the window.',
    stats => seconds(stats.recent.p95DurationMs),
  ),
  perOperation('task_failure_rate', 'Share of failed tasks among those that ended in the window.', stats =>
    failureRate(stats.recent),
  ),
  {
    name: 'alert',
    help: 'Whether an alert stands: failure_rate or mean_over_sla.',
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
  },
  calls: { name: 'tool_calls_total', help: 'Calls of tools, by outcome.', labels: ['tool', 'outcome'] },
  initiateDuration: {
    name: 'initiate_duration_seconds',
    help: 'How long initiate_background_task took to answer.',
    labels: [],
  },
  requests: {
    name: 'http_requests_total',
    help: 'HTTP requests that were answered, by endpoint and status.',
    labels: ['endpoint', 'code'],
  },
} as const satisfies Readonly<Record<string, MetricFamily>>;

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

function seconds(milliseconds: number): number;
function seconds(milliseconds: number | undefined): number | undefined;
function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
