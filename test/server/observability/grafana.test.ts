import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROCESS_METRICS, STORE_GAUGES } from '../../../src/server/observability/metric-families.js';
import { projectRoot } from '../../architecture/source-files.js';

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const dashboard: Dashboard = JSON.parse(
  readFileSync(join(projectRoot, 'docs/grafana/mcp-await.json'), 'utf8'),
);
const families = [...STORE_GAUGES, ...Object.values(PROCESS_METRICS)];

test('the Grafana dashboard names each metric that there is, and no other', () => {
  const exprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const named = exprs.flatMap(expr =>
    [...expr.matchAll(/\bmcp_await_(\w+?)(?:_bucket)?\b/g)].map(([, name]) => name),
  );
  expect([...new Set(named)].toSorted()).toEqual(families.map(({ name }) => name).toSorted());
});

test('the Grafana dashboard groups by labels that its metrics have', () => {
  for (const { title, targets } of dashboard.panels) {
    for (const { expr } of targets) {
      const name = /\bmcp_await_(\w+?)(?:_bucket)?\b/.exec(expr)?.[1];
      const known = families.find(family => family.name === name)?.labels ?? [];
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/, */));
      for (const label of grouped.filter(one => one !== 'le')) expect(known, title).toContain(label);
    }
  }
});

test('the Grafana dashboard takes what the store holds from one process, and sums what processes count', () => {
  for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets)) {
    const isOfStore = STORE_GAUGES.some(({ name }) => expr.includes(`mcp_await_${name})`));
    expect(expr).toMatch(isOfStore ? /\b(max|min)\b/ : /\bsum\b.*\b(rate|increase)\(/);
  }
});
