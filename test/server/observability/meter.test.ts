import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { PROCESS_METRICS } from '../../../src/server/observability/metric-families.js';
import { type ServerOptions, startServer } from '../../../src/server/start-server.js';
import { echo } from '../../fixtures/server/test-operations.js';
import { parseExposition } from './exposition.js';

let exporter: InMemoryMetricExporter;
let provider: MeterProvider;

beforeEach(() => {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
  provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
});

afterEach(async () => {
  metrics.disable();
  await provider.shutdown();
});

async function serve(options: Partial<ServerOptions> = {}) {
  const server = await startServer({ operations: [echo], store: 'memory:', http: { port: 0 }, ...options });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url ?? '')) as never);
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return { server, client, base: new URL(server.url ?? '').origin };
}

/** What the provider has exported last. */
async function exported() {
  exporter.reset();
  await provider.forceFlush();
  const [resource] = exporter.getMetrics();
  return (resource?.scopeMetrics ?? []).flatMap(({ scope, metrics: each }) => {
    expect(scope.name).toBe('mcp-await');
    return each;
  });
}

test('OpenTelemetry hears of the same figures as Prometheus, by the same names', async () => {
  const { client, base } = await serve();
  const call = { operation_type: 'echo', parameters: { text: 'a' } };
  for (const args of [call, call, { operation_type: 'none', parameters: {} }])
    await client.callTool({ name: 'initiate_background_task', arguments: args });
  const scrape = async () => parseExposition(await (await fetch(`${base}/metrics`)).text());
  await vi.waitFor(async () => {
    const ended = (await scrape()).find(({ name }) => name === 'mcp_await_task_runs_total');
    expect(ended?.value).toBe(2);
  });
  const samples = await scrape();
  const all = await exported();
  // The requests that scrape are counted once they are answered.
  const same = samples.filter(({ name }) => name !== 'mcp_await_http_requests_total');
  for (const { name, labels, value } of same) {
    const [, family = name, part = ''] = /^(.*?)(_bucket|_sum|_count)?$/.exec(name) ?? [];
    const { le, ...attributes } = labels;
    const metric = all.find(({ descriptor }) => descriptor.name === family);
    const points: readonly DataPoint<unknown>[] = metric?.dataPoints ?? [];
    const point = points.find(each => expect.objectContaining(attributes).asymmetricMatch(each.attributes));
    expect(point, `${name} ${JSON.stringify(labels)}`).toBeDefined();
    const told = point?.value;
    if (part === '') expect(told).toBe(value);
    else expect(partOf(told as Histogram, part, le)).toBeCloseTo(value);
  }
  const families = samples.map(({ name }) => name.replace(/_(bucket|sum|count)$/, ''));
  expect(all.map(({ descriptor }) => descriptor.name).toSorted()).toEqual([...new Set(families)].toSorted());
  expect(
    all.find(({ descriptor }) => descriptor.name === 'mcp_await_task_run_duration_seconds'),
  ).toMatchObject({
    descriptor: { unit: 's', description: PROCESS_METRICS.runDuration.help },
  });
});

function partOf({ buckets, count, sum }: Histogram, part: string, le = ''): number | undefined {
  if (part === '_count') return count;
  if (part === '_sum') return sum;
  const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
  const upTo = [...buckets.boundaries, Number.POSITIVE_INFINITY].indexOf(bound);
  return buckets.counts.slice(0, upTo + 1).reduce((total, each) => total + each, 0);
}

test('a server that has ended asks its store no more', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const messages: string[] = [];
  const onLog = ({ message }: { readonly message: string }) => void messages.push(message);
  const { server } = await serve({ observability: { metricsPrefix: 'shop_' }, onLog });
  expect((await exported()).map(({ descriptor }) => descriptor.name)).toContain('shop_store_up');
  await server.close();
  vi.advanceTimersByTime(60_000);
  await exported();
  expect(messages).not.toContain('The store does not answer');
});
