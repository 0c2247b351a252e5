import { describe, expect, test } from 'vitest';
import { PROCESS_METRICS, STORE_GAUGES } from '../../../src/server/observability/metric-families.js';
import { countActivity } from '../../../src/server/observability/metrics.js';
import { createPrometheus } from '../../../src/server/observability/prometheus.js';
import type { StoreView } from '../../../src/server/observability/store-watch.js';
import { parseExposition, sampleValue } from './exposition.js';
import { statsOf } from './stats-of.js';

const VIEW: StoreView = {
  stats: [
    statsOf('bake', {
      pending: 3,
      processing: 2,
      completed: 10,
      failed: 5,
      cancelled: 1,
      oldestWaitMs: 4500,
      recent: { completed: 3, failed: 1, meanDurationMs: 1500, p95DurationMs: 2250 },
    }),
    statsOf('cook'),
  ],
  alerts: [
    { operation: 'bake', alert: 'failure_rate', active: true, value: 0.25, limit: 0.05 },
    { operation: 'bake', alert: 'mean_over_sla', active: false, value: 1500, limit: 10_000 },
  ],
};
const NOTHING: StoreView = { stats: undefined, alerts: [] };
const PREFIX = 'mcp_await_';

function createMetrics(prefix: string) {
  const prometheus = createPrometheus(prefix);
  return { ...countActivity([prometheus]), render: prometheus.render };
}

async function scrape(metrics = createMetrics(PREFIX), view = VIEW) {
  const { contentType, text } = await metrics.render(view);
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parseExposition(text);
}

describe('what the store tells', () => {
  test.each<[string, Record<string, string>, number | undefined]>([
    ['store_up', {}, 1],
    ['tasks', { operation: 'bake', status: 'pending' }, 3],
    ['tasks', { operation: 'bake', status: 'processing' }, 2],
    ['tasks', { operation: 'bake', status: 'completed' }, 10],
    ['tasks', { operation: 'bake', status: 'failed' }, 5],
    ['tasks', { operation: 'bake', status: 'cancelled' }, 1],
    ['tasks', { operation: 'cook', status: 'failed' }, 0],
    ['queue_depth', { operation: 'bake' }, 3],
    ['oldest_waiting_seconds', { operation: 'bake' }, 4.5],
    ['oldest_waiting_seconds', { operation: 'cook' }, 0],
    ['task_duration_seconds_mean', { operation: 'bake' }, 1.5],
    ['task_duration_seconds_p95', { operation: 'bake' }, 2.25],
    ['task_failure_rate', { operation: 'bake' }, 0.25],
    // Nothing ended: that is no rate of 0.
    ['task_failure_rate', { operation: 'cook' }, undefined],
    ['task_duration_seconds_mean', { operation: 'cook' }, undefined],
    ['alert', { operation: 'bake', alert: 'failure_rate' }, 1],
    ['alert', { operation: 'bake', alert: 'mean_over_sla' }, 0],
  ])('%s %j is %s', async (name, labels, expected) => {
    expect(sampleValue(await scrape(), `${PREFIX}${name}`, labels)).toBe(expected);
  });

  test('is gone when the store does not answer, and the rest stays', async () => {
    const metrics = createMetrics(PREFIX);
    metrics.activity.initiated({ operation: 'bake', taskRef: 'task_1' });
    await scrape(metrics);
    const samples = await scrape(metrics, NOTHING);
    expect(sampleValue(samples, `${PREFIX}store_up`)).toBe(0);
    expect(samples.filter(({ name }) => name === `${PREFIX}tasks`)).toEqual([]);
    expect(sampleValue(samples, `${PREFIX}tasks_initiated_total`, { operation: 'bake' })).toBe(1);
  });
});

describe('what the process counts', () => {
  test('is there by operation, outcome, tool and endpoint', async () => {
    const metrics = createMetrics(PREFIX);
    const { activity } = metrics;
    const run = { operation: 'bake', taskRef: 'task_1', durationMs: 700 };
    activity.initiated(run);
    activity.ran({ ...run, outcome: 'completed' });
    activity.ran({ ...run, outcome: 'failed', durationMs: 20_000 });
    activity.lost({ ...run, error: undefined });
    activity.called({ tool: 'initiate_background_task', outcome: 'ok', durationMs: 30 });
    activity.called({ tool: 'initiate_background_task', outcome: 'refused', durationMs: 1 });
    activity.called({ tool: 'resolve_task_status', outcome: 'ok', durationMs: 9000 });
    metrics.answered('/mcp', 200);
    metrics.answered('/mcp', 401);
    const samples = await scrape(metrics);
    const value = (name: string, labels?: Record<string, string>) =>
      sampleValue(samples, `${PREFIX}${name}`, labels);
    expect(value('tasks_initiated_total', { operation: 'bake' })).toBe(1);
    expect(value('task_runs_total', { operation: 'bake', outcome: 'failed' })).toBe(1);
    expect(value('tasks_lost_total', { operation: 'bake' })).toBe(1);
    expect(value('task_run_duration_seconds_bucket', { operation: 'bake', le: '1' })).toBe(1);
    expect(value('task_run_duration_seconds_count', { operation: 'bake' })).toBe(2);
    expect(value('task_run_duration_seconds_sum', { operation: 'bake' })).toBeCloseTo(20.7);
    expect(value('tool_calls_total', { tool: 'initiate_background_task', outcome: 'refused' })).toBe(1);
    expect(value('initiate_duration_seconds_count')).toBe(1);
    expect(value('initiate_duration_seconds_sum')).toBeCloseTo(0.03);
    expect(value('http_requests_total', { endpoint: '/mcp', code: '401' })).toBe(1);
  });

  test('is counted apart by every server in one process', async () => {
    const [one, other] = [createMetrics(PREFIX), createMetrics(PREFIX)];
    one.activity.initiated({ operation: 'bake', taskRef: 'task_1' });
    expect(sampleValue(await scrape(other), `${PREFIX}tasks_initiated_total`, { operation: 'bake' })).toBe(
      undefined,
    );
  });
});

test('every family has the prefix of the operator, a help and the labels it announces', async () => {
  const { text } = await createMetrics('shop_').render(VIEW);
  for (const { name, help } of [...STORE_GAUGES, ...Object.values(PROCESS_METRICS)]) {
    expect(text).toContain(`# HELP shop_${name} ${help}\n`);
  }
  expect(text).not.toContain('mcp_await');
});

test('names that Prometheus would not take as they are are escaped', async () => {
  const odd = 'a"b\\c\nd';
  const samples = await scrape(undefined, { stats: [statsOf(odd, { pending: 1 })], alerts: [] });
  expect(sampleValue(samples, `${PREFIX}queue_depth`, { operation: 'a\\"b\\\\c\\nd' })).toBe(1);
});
