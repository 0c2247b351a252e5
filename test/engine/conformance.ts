import { afterAll, afterEach, beforeEach, describe, test } from 'vitest';
import type { Clock } from '../../src/engine/clock.js';
import type { Engine } from '../../src/engine/engine.js';
import type { TaskRecord } from '../../src/engine/task-record.js';
import { describeClosing } from './conformance/closing.js';
import { describeDelays } from './conformance/delays.js';
import { describeDeliveries } from './conformance/deliveries.js';
import { describeEnds } from './conformance/ends.js';
import { describeHandles } from './conformance/handles.js';
import { describeIdempotency } from './conformance/idempotency.js';
import { describeLists } from './conformance/lists.js';
import { describeOwners } from './conformance/owners.js';
import { describeQuestions } from './conformance/questions.js';
import { describeQueue } from './conformance/queue.js';
import { describeRecords } from './conformance/records.js';
import { describeRetries } from './conformance/retries.js';
import { describeStats } from './conformance/stats.js';
import { describeStops } from './conformance/stops.js';
import { describeWaits } from './conformance/waits.js';

export interface HandleOptions {
  readonly leaseMs?: number;
  readonly maxResultBytes?: number;
  readonly retentionMs?: number;
  readonly onLost?: (record: TaskRecord) => void;
  readonly clock?: Clock;
}

/** One store, empty at first. */
export interface EngineStore {
  /** Opens a further engine on the store. */
  open(options?: HandleOptions): Promise<Engine>;
  remove(): Promise<void>;
}

export type EngineCase =
  /** Several engines on one store, as if each were a process. */
  | 'several-handles'
  /** What was submitted through an engine with a worker is run by that worker. */
  | 'affinity'
  /** A reference that is taken is refused. */
  | 'taken-reference'
  /** The engine reads the time from the clock that it is given. */
  | 'clock';

export interface EngineFixture {
  createStore(): Promise<EngineStore>;
  /** Cases that the engine has no way to meet, each with the reason. */
  readonly skipped?: Readonly<Partial<Record<EngineCase, string>>>;
}

/** What every part of the suite is given. */
export interface Bench {
  /** Opens an engine on the store of this test; it is closed afterwards. */
  open(options?: HandleOptions): Promise<Engine>;
  /** `test`, or a skipped test that names the reason. */
  unless(...cases: readonly EngineCase[]): (title: string, run: () => Promise<void>) => void;
}

/** The obligations of `Engine`; every engine runs them. */
export function describeEngine(name: string, fixture: EngineFixture): void {
  describe(`the engine ${name}`, () => {
    let store: EngineStore;
    let engines: Engine[];
    const closings: Promise<void>[] = [];

    beforeEach(async () => {
      store = await fixture.createStore();
      engines = [];
    });

    // The next test does not wait for an engine that ends its last request, as one to SQS.
    afterEach(() => {
      const close = async (left: EngineStore, open: readonly Engine[]) => {
        await Promise.all(open.map(engine => engine.close()));
        await left.remove();
      };
      const closing = close(store, engines);
      closing.catch(() => {});
      closings.push(closing);
    });

    afterAll(() => Promise.all(closings));

    const bench: Bench = {
      async open(options) {
        const engine = await store.open(options);
        engines.push(engine);
        return engine;
      },
      unless(...cases) {
        const reason = cases.map(one => fixture.skipped?.[one]).find(text => text !== undefined);
        return (title, run) =>
          reason === undefined ? test(title, run) : test.skip(`${title} (${reason})`, run);
      },
    };

    describeRecords(bench);
    describeIdempotency(bench);
    describeQueue(bench);
    describeOwners(bench);
    describeEnds(bench);
    describeWaits(bench);
    describeDeliveries(bench);
    describeStats(bench);
    describeLists(bench);
    describeDelays(bench);
    describeStops(bench);
    describeRetries(bench);
    describeQuestions(bench);
    describeHandles(bench);
    describeClosing(bench);
  });
}
