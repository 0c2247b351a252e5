import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Activity } from './activity.js';
import { type MetricFamily, PROCESS_METRICS, STORE_GAUGES } from './metric-families.js';
import type { StoreView } from './store-watch.js';

/** From a look-up to a job of an hour. */
const RUN_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
/** About the promised 0.5 s. */
const INITIATE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5];

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

export interface Metrics {
  readonly activity: Activity;
  answered(endpoint: string, status: number): void;
  /** The text that Prometheus scrapes. */
  render(view: StoreView): Promise<Exposition>;
}

/** The metrics of one server or worker, in a registry of their own. */
export function createMetrics(prefix: string): Metrics {
  const registry = new Registry();
  const configured = ({ name, help, labels }: MetricFamily) => ({
    name: `${prefix}${name}`,
    help,
    labelNames: labels,
    registers: [registry],
  });
  const gauges = STORE_GAUGES.map(family => ({ family, gauge: new Gauge(configured(family)) }));
  const { initiated, runs, lost, runDuration, calls, initiateDuration, requests } = PROCESS_METRICS;
  const initiatedCount = new Counter(configured(initiated));
  const runCount = new Counter(configured(runs));
  const lostCount = new Counter(configured(lost));
  const runSeconds = new Histogram({ ...configured(runDuration), buckets: RUN_BUCKETS });
  const callCount = new Counter(configured(calls));
  const initiateSeconds = new Histogram({ ...configured(initiateDuration), buckets: INITIATE_BUCKETS });
  const requestCount = new Counter(configured(requests));
  return {
    activity: {
      initiated: ({ operation }) => initiatedCount.inc({ operation }),
      ran({ operation, outcome, durationMs }) {
        runCount.inc({ operation, outcome });
        runSeconds.observe({ operation }, durationMs / 1000);
      },
      lost: ({ operation }) => lostCount.inc({ operation }),
      called({ tool, outcome, durationMs }) {
        callCount.inc({ tool, outcome });
        if (tool === 'initiate_background_task' && outcome === 'ok')
          initiateSeconds.observe(durationMs / 1000);
      },
    },
    answered: (endpoint, status) => requestCount.inc({ endpoint, code: String(status) }),
    async render(view) {
      // In one turn, so that two scrapes at once do not mix.
      for (const { family, gauge } of gauges) {
        gauge.reset();
        for (const { labels, value } of family.samples(view)) gauge.set(labels, value);
      }
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
