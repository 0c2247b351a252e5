import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { dataOf } from '../../../src/protocols/pair/answer-data.js';
import { usualHintMs } from '../../../src/protocols/pair/hints.js';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-03-01T10:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each<[unknown, number | undefined]>([
  [{ retry_after: 30 }, 30_000],
  [{ retry_after: '30' }, 30_000],
  [{ retryAfterMs: 400 }, 400],
  [{ retry_after: 'PT1M30S' }, 90_000],
  [{ retry_after_seconds: '30s' }, 30_000],
  [{ retry_in: '2 minutes' }, 120_000],
  [{ retry_at: '2026-03-01T10:00:20Z' }, 20_000],
  [{ 'Retry-After': 'Sun, 01 Mar 2026 10:00:20 GMT' }, 20_000],
  [{ retry_at: '2026-03-01T09:00:00Z' }, 0],
  [{ pollInterval: 500 }, 500],
  [{ poll_interval: 5 }, 5000],
  [{ poll_interval: 5000 }, 5000],
  [{ polling_strategy: { recommended_interval_seconds: 9 } }, undefined],
  [{ data: { recommended_interval_seconds: 9 } }, 9000],
  [{ check_again_in: '10 sec' }, 10_000],
  ['Status: running\nPlease check again in about 20 seconds.', 20_000],
  ['Retry after: 1.5 s', 1500],
  [{ retries: 3, poll_count: 4, retry_after: null }, undefined],
  [{ retry_after: 'later' }, undefined],
  ['It has been running for 3 minutes and retried 2 s ago.', undefined],
])('of %j the hint is %s ms', (said, hintMs) => {
  const text = typeof said === 'string' ? said : JSON.stringify(said);
  expect(usualHintMs(dataOf({ content: [{ type: 'text', text }] }))).toBe(hintMs);
});
