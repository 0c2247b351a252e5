import type { Activity } from './activity.js';
import { type HistogramFamily, type MetricFamily, PROCESS_METRICS, type Sample } from './metric-families.js';

type Labels = Sample['labels'];

/** Where figures go. */
export interface Instruments {
  /** Counts one more. */
  counter(family: MetricFamily): (labels: Labels) => void;
  /** Takes one value. */
  histogram(family: HistogramFamily): (labels: Labels, value: number) => void;
}

/** What this process counts, told to each of them. */
export interface ProcessMetrics {
  readonly activity: Activity;
  answered(endpoint: string, status: number): void;
}

export function countActivity(instruments: readonly Instruments[]): ProcessMetrics {
  const counter = (family: MetricFamily) => {
    const counters = instruments.map(each => each.counter(family));
    return (labels: Labels) => {
      for (const count of counters) count(labels);
    };
  };
  const histogram = (family: HistogramFamily) => {
    const histograms = instruments.map(each => each.histogram(family));
    return (labels: Labels, durationMs: number) => {
      for (const observe of histograms) observe(labels, durationMs / 1000);
    };
  };
  const initiated = counter(PROCESS_METRICS.initiated);
  const runs = counter(PROCESS_METRICS.runs);
  const lost = counter(PROCESS_METRICS.lost);
  const runDuration = histogram(PROCESS_METRICS.runDuration);
  const calls = counter(PROCESS_METRICS.calls);
  const initiateDuration = histogram(PROCESS_METRICS.initiateDuration);
  const requests = counter(PROCESS_METRICS.requests);
  return {
    activity: {
      initiated: ({ operation }) => initiated({ operation }),
      ran({ operation, outcome, durationMs }) {
        runs({ operation, outcome });
        runDuration({ operation }, durationMs);
      },
      lost: ({ operation }) => lost({ operation }),
      called({ tool, outcome, durationMs }) {
        calls({ tool, outcome });
        if (tool === 'initiate_background_task' && outcome === 'ok') initiateDuration({}, durationMs);
      },
    },
    answered: (endpoint, status) => requests({ endpoint, code: String(status) }),
  };
}
