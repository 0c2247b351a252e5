import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultWaitOptions } from '../../src/client/options.js';
import { estimateDurations } from '../../src/pacing/duration-estimate.js';
import {
  type DurationHistory,
  DurationMemory,
  observe,
  parseDurationHistory,
} from '../../src/pacing/duration-memory.js';
import { leastInterval, nextDelay, type Pacing } from '../../src/pacing/next-delay.js';
import { backoffPacer, LearningPacer, learnedDelay } from '../../src/pacing/pacer.js';
import { type PollPlan, planPolls, requestBudget } from '../../src/pacing/poll-plan.js';

const steady: Pacing = { ...defaultWaitOptions, jitter: 0 };
const random = () => 0.5;
const plan = (...timesMs: number[]): PollPlan => ({ timesMs, expectedRequests: 1, expectedLatenessMs: 0 });
const at = (elapsedMs: number, attempt: number, given: PollPlan, hintMs?: number) =>
  learnedDelay({ plan: given, elapsedMs, attempt, hintMs, pacing: steady, random });

test.each([0, 1, 2, 3, 4, 5, 6])('with nothing learned, request %i is that of backoff', attempt => {
  const input = { attempt, pacing: steady, random };
  expect(learnedDelay({ ...input, plan: undefined, elapsedMs: 0 })).toBe(nextDelay(input));
  expect(backoffPacer(steady, random).next(attempt).delayMs).toBe(
    [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000][attempt],
  );
});

test('the next moment of the plan is waited for, and after the last the age decides', () => {
  expect(at(0, 0, plan(12_000, 15_000))).toBe(12_000);
  expect(at(12_000, 1, plan(12_000, 15_000))).toBe(3000);
  expect(at(15_000, 2, plan(12_000, 15_000))).toBe(16_000);
});

test('no interval is longer than the longest, however late the plan', () => {
  expect(at(0, 0, plan(600_000))).toBe(30_000);
});

test('a hint is never undercut, may be lengthened, and what it skips is asked for as soon as it allows', () => {
  expect(at(0, 0, plan(2000, 60_000), 5000)).toBe(5000);
  expect(at(0, 0, plan(12_000), 5000)).toBe(12_000);
  expect(at(0, 0, plan(12_000), 90_000)).toBe(90_000);
});

test('a task never gets more than eight requests more than backoff would have sent', () => {
  const dense = plan(...Array.from({ length: 100 }, (_, index) => 100 * (index + 1)));
  expect(at(800, 8, dense)).toBe(1000 - 800);
  expect(at(1000, 9, dense)).toBe(3000 - 1000);
  expect(at(3000, 10, dense)).toBe(7000 - 3000);
});

const anyEnd = fc
  .tuple(fc.nat(1e7), fc.option(fc.nat(1e6), { freq: 4 }))
  .map(([afterMs, more]) => [afterMs, more === null ? null : afterMs + more + 1] as const);
const anyHistory = fc.array(anyEnd, { minLength: 1, maxLength: 200 }).map(ends => {
  let history: DurationHistory | undefined;
  for (const end of ends) history = observe(history, { end, saved: (end[0] % 7) - 3 });
  return history;
});
const anyPacing: fc.Arbitrary<Pacing> = fc.record({
  initialIntervalMs: fc.integer({ min: 1, max: 1e6 }),
  backoffMultiplier: fc.double({ min: 0.1, max: 10, noNaN: true }),
  maxIntervalMs: fc.integer({ min: 100, max: 1e6 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
});
const anyHint = fc.option(fc.double(), { nil: undefined });

test('whatever was seen, every delay is finite, within the limits and never below a usable hint', () => {
  fc.assert(
    fc.property(
      anyHistory,
      anyPacing,
      anyHint,
      fc.nat(30),
      fc.nat(1e8),
      (history, pacing, hintMs, attempt, elapsedMs) => {
        const estimate = history && estimateDurations(history);
        const pair = estimate && planPolls(estimate, pacing, requestBudget(estimate, pacing, 0));
        const input = { attempt, hintMs, pacing, random };
        const delay = learnedDelay({ ...input, plan: pair?.thrifty, elapsedMs });
        const usable = hintMs !== undefined && hintMs > 0 && Number.isFinite(hintMs);
        expect(Number.isFinite(delay)).toBe(true);
        if (usable) expect(delay).toBeGreaterThanOrEqual(nextDelay(input));
        else expect(delay).toBeLessThanOrEqual(pacing.maxIntervalMs);
        if (pair !== undefined)
          expect(delay).toBeGreaterThanOrEqual(leastInterval(pacing) * (usable ? 0 : 1));
      },
    ),
    { numRuns: 60 },
  );
});

test('a plan rises, and its shares are those of a whole', () => {
  fc.assert(
    fc.property(anyHistory, anyPacing, (history, pacing) => {
      const estimate = history && estimateDurations(history);
      fc.pre(estimate !== undefined);
      expect(estimate.shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
      expect(estimate.seenShares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
      const { generous } = planPolls(estimate, pacing, requestBudget(estimate, pacing, 0));
      expect(generous.timesMs.length).toBeGreaterThan(0);
      expect(generous.timesMs.every((time, index) => time > (generous.timesMs[index - 1] ?? 0))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('a history is bounded, survives JSON, and what is none is not read', () => {
  fc.assert(
    fc.property(anyHistory, history => {
      fc.pre(history !== undefined);
      expect(history.ends.length).toBeLessThanOrEqual(128);
      expect(parseDurationHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
    }),
  );
  fc.assert(fc.property(fc.anything(), value => parseDurationHistory(value) === undefined));
});

/** Awaits tasks of these durations one after the other; the requests of the last one. */
function requestsOfLast(
  durationsMs: readonly number[],
  lastState: 'ended' | 'cancelled' = 'ended',
): number[] {
  const memory = new DurationMemory();
  let sent: number[] = [];
  for (const durationMs of durationsMs) {
    sent = [];
    let elapsedMs = 0;
    const clock = { now: () => elapsedMs };
    using pacer = new LearningPacer({
      memory,
      key: 'k',
      pacing: steady,
      ageMs: 0,
      fromStart: true,
      random,
      clock,
    });
    do {
      elapsedMs += pacer.next(sent.length).delayMs;
      sent.push(elapsedMs);
      pacer.answered(elapsedMs < durationMs ? 'running' : lastState, elapsedMs);
    } while (elapsedMs < durationMs);
  }
  return sent;
}

test('the first task is asked for by backoff, the tenth when its elders ended', () => {
  expect(requestsOfLast([12_000])).toEqual([1000, 3000, 7000, 15_000]);
  const tenth = requestsOfLast(Array.from({ length: 10 }, () => 12_000));
  expect(tenth.length).toBeLessThanOrEqual(4);
  expect((tenth.at(-1) ?? 0) - 12_000).toBeLessThan(500);
});

test('tasks that were all cancelled teach nothing about when one ends', () => {
  expect(requestsOfLast([12_000, 12_000, 12_000], 'cancelled')).toEqual([1000, 3000, 7000, 15_000]);
});

test('a wait that was given up says that the task takes longer', () => {
  const memory = new DurationMemory();
  const begin = (elapsed: () => number) =>
    new LearningPacer({
      memory,
      key: 'k',
      pacing: steady,
      ageMs: 0,
      fromStart: true,
      random,
      clock: { now: elapsed },
    });
  let now = 0;
  const see = (runningMs: number, endedMs?: number) => {
    now = 0;
    using pacer = begin(() => now);
    now = runningMs;
    pacer.answered('running', now);
    if (endedMs === undefined) return;
    now = endedMs;
    pacer.answered('ended', now);
  };
  see(9000, 10_000);
  const before = memory.plan('k', steady, random)?.timesMs ?? [];
  for (let count = 0; count < 20; count++) see(20_000);
  const after = memory.plan('k', steady, random)?.timesMs ?? [];
  const early = (times: readonly number[]) => times.filter(time => time < 15_000).length;
  expect(early(after)).toBeLessThan(early(before));
});

test('an answer that the server held back, or a task seen too late, is not learned from', () => {
  const memory = new DurationMemory();
  const options = { memory, key: 'k', pacing: steady, ageMs: 0, fromStart: true, random };
  let now = 0;
  const clock = () => now;
  for (const [held, fromStart] of [
    [true, true],
    [false, false],
  ] as const) {
    now = 0;
    using pacer = new LearningPacer({ ...options, fromStart, clock: { now: clock } });
    now = 5000;
    if (held) pacer.stopLearning();
    pacer.answered('ended', now);
  }
  expect(memory.plan('k', steady, random)).toBeUndefined();
});
