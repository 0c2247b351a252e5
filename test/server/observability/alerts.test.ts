import { describe, expect, test } from 'vitest';
import type { OperationStats, RecentStats } from '../../../src/engine/operation-stats.js';
import { type AlertState, alertChanges, judge } from '../../../src/server/observability/alerts.js';
import { statsOf } from './stats-of.js';

const RULES = { failureRate: 0.05, meanOverSla: 1, minTasks: 10 };
const SLA_MS = 10_000;

function look(recent: Partial<RecentStats>, earlier: readonly AlertState[] = []): readonly AlertState[] {
  return judge([statsOf('bake', { recent })], { rules: RULES, slaMs: () => SLA_MS, earlier });
}

const active = (states: readonly AlertState[]) =>
  states.filter(state => state.active).map(state => state.alert);

const FAILING = look({ completed: 5, failed: 5 });
const SLOW = look({ completed: 1, meanDurationMs: 20_000 });

describe('an alert of a failure rate', () => {
  test.each<[string, number, number, boolean]>([
    ['nothing ended', 0, 0, false],
    ['none of many failed', 100, 0, false],
    ['exactly the share that is allowed', 95, 5, false],
    ['a little more than that', 94, 6, true],
    ['all of too few', 0, 9, false],
    ['all of just enough', 0, 10, true],
  ])('begins: %s', (_case, completed, failed, expected) => {
    expect(active(look({ completed, failed }))).toEqual(expected ? ['failure_rate'] : []);
  });

  test.each<[string, number, number, boolean]>([
    ['goes on above the limit', 94, 6, true],
    ['goes on at the limit', 95, 5, true],
    ['goes on just below the limit', 955, 45, true],
    ['is over at four fifths of the limit', 96, 4, false],
    ['is over when nothing ended any more', 0, 0, false],
    ['goes on when few tasks ended, and those failed', 0, 3, true],
  ])('once begun: %s', (_case, completed, failed, expected) => {
    expect(active(look({ completed, failed }, FAILING))).toEqual(expected ? ['failure_rate'] : []);
  });
});

describe('an alert of a mean duration', () => {
  test.each<[string, number | undefined, readonly AlertState[], boolean]>([
    ['begins above the SLA, also for one task', 10_001, [], true],
    ['does not begin at the SLA', 10_000, [], false],
    ['does not begin while nothing ended', undefined, [], false],
    ['goes on just below the SLA', 9000, SLOW, true],
    ['is over at four fifths of the SLA', 8000, SLOW, false],
    ['is over when nothing ended any more', undefined, SLOW, false],
  ])('%s', (_case, meanDurationMs, earlier, expected) => {
    const states = look({ completed: 1, meanDurationMs }, earlier);
    expect(active(states)).toEqual(expected ? ['mean_over_sla'] : []);
  });

  test('heeds the factor', () => {
    const rules = { ...RULES, meanOverSla: 0.5 };
    const stats = [statsOf('bake', { recent: { completed: 1, meanDurationMs: 6000 } })];
    expect(active(judge(stats, { rules, slaMs: () => SLA_MS, earlier: [] }))).toEqual(['mean_over_sla']);
  });

  test('needs an SLA that this process knows', () => {
    const stats = [statsOf('bake', { recent: { completed: 1, meanDurationMs: 1e9 } })];
    const states = judge(stats, { rules: RULES, slaMs: () => undefined, earlier: [] });
    expect(states.map(({ alert }) => alert)).toEqual(['failure_rate']);
  });
});

test('one operation does not stand for another', () => {
  const stats: OperationStats[] = [
    statsOf('bake', { recent: { completed: 96, failed: 4 } }),
    statsOf('cook', { recent: { completed: 5, failed: 5 } }),
  ];
  const states = judge(stats, { rules: RULES, slaMs: () => undefined, earlier: FAILING });
  expect(states.filter(state => state.active).map(({ operation }) => operation)).toEqual(['cook']);
});

describe('changes', () => {
  test.each<[string, readonly AlertState[], readonly AlertState[], number, number]>([
    ['nothing', [], look({}), 0, 0],
    ['one that begins', look({}), FAILING, 1, 0],
    ['one that goes on', FAILING, look({ completed: 50, failed: 50 }), 0, 0],
    ['one that is over', FAILING, look({ completed: 100 }), 0, 1],
    ['one whose operation has no tasks any more', FAILING, [], 0, 1],
  ])('%s', (_case, earlier, now, begun, over) => {
    const changes = alertChanges(earlier, now);
    expect([changes.begun.length, changes.over.length]).toEqual([begun, over]);
  });
});
