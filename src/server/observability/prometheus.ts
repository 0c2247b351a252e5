import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type MetricFamily, STORE_GAUGES } from './metric-families.js';
import type { Instruments } from './metrics.js';
import type { StoreView } from './store-watch.js';

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

export interface Prometheus extends Instruments {
  /** The text that Prometheus scrapes. */
  render(view: StoreView): Promise<Exposition>;
}

/** The metrics of one server or worker, in a registry of their own. */
export function createPrometheus(prefix: string): Prometheus {
  const registry = new Registry();
  const configured = ({ name, help, labels }: MetricFamily) => ({
    name: `${prefix}${name}`,
    help,
    labelNames: labels,
    registers: [registry],
  });
  const gauges = STORE_GAUGES.map(family => ({ family, gauge: new Gauge(configured(family)) }));
  return {
    counter(family) {
      const counter = new Counter(configured(family));
      return labels => counter.inc(labels);
    },
    histogram(family) {
      const histogram = new Histogram({ ...configured(family), buckets: [...family.buckets] });
      return (labels, value) => histogram.observe(labels, value);
    },
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
