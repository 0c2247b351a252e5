import type { BatchObservableCallback, MetricOptions } from '@opentelemetry/api';
import type { OpenTelemetry } from '../../open-telemetry.js';
import { VERSION } from '../../version.js';
import { type MetricFamily, STORE_GAUGES } from './metric-families.js';
import type { Instruments } from './metrics.js';
import type { StoreView } from './store-watch.js';

export interface MeterInstruments extends Instruments {
  /** Tells the gauges of the store whenever somebody reads, until the function that is returned is called. */
  observe(look: () => Promise<StoreView>): () => void;
}

/** The metrics of one server or worker, by the meter provider that was registered before it started. */
export function createMeter({ metrics }: OpenTelemetry, prefix: string): MeterInstruments {
  const meter = metrics.getMeter('mcp-await', VERSION);
  const named = ({ name, help, unit }: MetricFamily): [string, MetricOptions] => [
    `${prefix}${name}`,
    { description: help, ...(unit !== undefined && { unit }) },
  ];
  return {
    counter(family) {
      const counter = meter.createCounter(...named(family));
      return labels => counter.add(1, labels);
    },
    histogram(family) {
      const [name, options] = named(family);
      const advice = { explicitBucketBoundaries: [...family.buckets] };
      const histogram = meter.createHistogram(name, { ...options, advice });
      return (labels, value) => histogram.record(value, labels);
    },
    observe(look) {
      const gauges = STORE_GAUGES.map(family => ({
        family,
        gauge: meter.createObservableGauge(...named(family)),
      }));
      const tell: BatchObservableCallback = async result => {
        const view = await look();
        for (const { family, gauge } of gauges)
          for (const { labels, value } of family.samples(view)) result.observe(gauge, value, labels);
      };
      const observables = gauges.map(({ gauge }) => gauge);
      meter.addBatchObservableCallback(tell, observables);
      return () => meter.removeBatchObservableCallback(tell, observables);
    },
  };
}
