// The engine on DynamoDB and SQS, in turn with bare commands on the same emulators; what it asks of AWS, and its price.
import { setTimeout as sleep } from 'node:timers/promises';
import { bareAws, frontAndWorker, newStoreUrl } from './aws-contenders.js';
import { isIdle, total, withCounter } from './aws-requests.js';
import { engineOn } from './contenders.js';
import { latencies, median, ms, percentile, printTable, ratio, timed } from './measure.js';
import { withAws } from './services.js';

const CONCURRENCY = 20;
const ROUNDS = 4;
const TASKS = 200;
const TRIPS = 60;
const ALONE = 10;
const COUNTED = 200;
const WORK_MS = 20_000;
const IDLE_MS = 60_000;

/** Public list prices in US dollars, as docs/production.md names them: DynamoDB on demand, SQS with message groups. */
const PRICES = { write: 0.625 / 1e6, read: 0.125 / 1e6, sqs: 0.5 / 1e6 };
const HOURS_A_MONTH = 730;

export async function dynamodbEngine() {
  await withAws(async endpoints => {
    await compare(endpoints);
    await withCounter(endpoints, async (counted, counter) => {
      const url = await newStoreUrl(counted);
      await countTasks(url, counter);
      await countWaits(url, counter);
    });
    await countIdle(endpoints);
  });
}

async function compare(endpoints) {
  const url = await newStoreUrl(endpoints);
  const contenders = {
    bare: () => bareAws(endpoints, { concurrency: CONCURRENCY }),
    ours: () => frontAndWorker(url, { concurrency: CONCURRENCY }),
  };
  const results = { bare: [], ours: [] };
  for (let index = 0; index < ROUNDS; index++) {
    const names = Object.keys(contenders);
    for (const name of index % 2 === 0 ? names : names.toReversed())
      results[name].push(await round(contenders[name]));
  }
  const rows = Object.keys(results.bare[0]).map(measure => {
    const of = name => median(results[name].map(result => result[measure]));
    const share = median(results.ours.map((result, index) => result[measure] / results.bare[index][measure]));
    const show = value => (measure === 'drain' ? `${(1000 / value).toFixed(0)}/s` : ms(value));
    return [measure, show(of('bare')), show(of('ours')), ratio(share)];
  });
  printTable(
    `Emulators of DynamoDB and SQS: ${TASKS} tasks that do nothing, ${CONCURRENCY} callers, concurrency ${CONCURRENCY}`,
    ['', 'bare conditional put and SendMessage', 'this engine', 'ratio, round by round'],
    rows,
  );
}

async function round(open) {
  const { submits, elapsedMs } = await withOpen(open, async contender => ({
    submits: await latencies(contender.submit, { count: TASKS, callers: CONCURRENCY }),
    elapsedMs: (await timed(() => contender.drain(TASKS))).elapsedMs,
  }));
  const { alone, together } = await withOpen(open, async contender => {
    await contender.serve();
    await contender.roundTrip();
    return {
      alone: await latencies(contender.roundTrip, { count: ALONE, callers: 1 }),
      together: await latencies(contender.roundTrip, { count: TRIPS, callers: CONCURRENCY }),
    };
  });
  return {
    'submit p50': percentile(submits, 0.5),
    'submit p99': percentile(submits, 0.99),
    drain: elapsedMs / TASKS,
    'round trip p50, one caller': percentile(alone, 0.5),
    [`round trip p50, ${CONCURRENCY} callers`]: percentile(together, 0.5),
    [`round trip p99, ${CONCURRENCY} callers`]: percentile(together, 0.99),
  };
}

async function withOpen(open, work) {
  const contender = await open();
  try {
    return await work(contender);
  } finally {
    await contender.close();
  }
}

/** Tasks that do nothing and that nobody waits for: one after the other, and many at once. */
async function countTasks(url, counter) {
  const ways = [];
  for (const [name, { count, callers, hasKey }] of Object.entries({
    'one after the other': { count: 40, callers: 1, hasKey: false },
    [`${CONCURRENCY} callers`]: { count: COUNTED, callers: CONCURRENCY, hasKey: false },
    [`${CONCURRENCY} callers, with an idempotency key`]: {
      count: COUNTED,
      callers: CONCURRENCY,
      hasKey: true,
    },
  })) {
    const counts = await countTrips(url, counter, { count, callers, hasKey });
    ways.push({ name, count, counts });
  }
  printKinds('Requests for each task that does nothing and is awaited', ways);
}

async function countTrips(url, counter, { count, callers, ...options }) {
  return withOpen(
    () => frontAndWorker(url, { concurrency: CONCURRENCY, ...options }),
    async pair => {
      await pair.serve();
      counter.reset();
      await latencies(pair.roundTrip, { count, callers });
      // The last messages are removed after their tasks have ended.
      await sleep(1000);
      return new Map(counter.counts);
    },
  );
}

/** Tasks that run for a while: what looking at them costs. */
async function countWaits(url, counter) {
  const counts = await countTrips(url, counter, {
    count: CONCURRENCY,
    callers: CONCURRENCY,
    workMs: WORK_MS,
  });
  printKinds(`Requests for each task of ${WORK_MS / 1000} s, ${CONCURRENCY} at once, awaited by one front`, [
    { name: 'requests', count: CONCURRENCY, counts },
  ]);
}

function printKinds(title, ways) {
  const kinds = [...new Set(ways.flatMap(({ counts }) => [...counts.keys()]))]
    .filter(kind => !isIdle(kind))
    .sort();
  const cell = (value, count) => (value === 0 ? '' : (value / count).toFixed(2));
  const perTask = ({ count, counts }) => {
    const { write, read, sqs } = total(counts, kind => !isIdle(kind));
    return { write: write / count, read: read / count, sqs: sqs / count };
  };
  const units = Object.entries({ write: 'write units', read: 'read units', sqs: 'requests of SQS' });
  printTable(
    title,
    ['', ...ways.map(({ name }) => name)],
    [
      ...kinds.map(kind => [
        kind,
        ...ways.map(({ counts, count }) => cell(counts.get(kind)?.requests ?? 0, count)),
      ]),
      ...units.map(([unit, label]) => [`**${label}**`, ...ways.map(way => perTask(way)[unit].toFixed(2))]),
      ['**a million tasks**', ...ways.map(way => dollars(1e6 * priceOf(perTask(way))))],
    ],
  );
}

/** A front, and then a worker beside it, without any work. */
async function countIdle(endpoints) {
  await withCounter(endpoints, async (counted, counter) => {
    const url = await newStoreUrl(counted);
    const keyPrefix = 'idle';
    const front = await engineOn(url, { concurrency: CONCURRENCY, keyPrefix });
    const alone = await countedFor(IDLE_MS, counter);
    const worker = await engineOn(url, { concurrency: CONCURRENCY, keyPrefix });
    await worker.serve();
    const both = await countedFor(IDLE_MS, counter);
    await Promise.all([front.close(), worker.close()]);
    const hourly = 3_600_000 / IDLE_MS;
    const kinds = [...new Set([...alone.keys(), ...both.keys()])].sort();
    const cell = (counts, kind) => String(Math.round((counts.get(kind)?.requests ?? 0) * hourly));
    const month = counts => dollars(priceOf(total(counts)) * hourly * HOURS_A_MONTH);
    printTable(
      'Requests in an hour without work',
      ['', 'a front', 'a front and a worker'],
      [
        ...kinds.map(kind => [kind.replace(/^idle: /, ''), cell(alone, kind), cell(both, kind)]),
        ['**a month**', month(alone), month(both)],
      ],
    );
  });
}

async function countedFor(durationMs, counter) {
  // What a start asks once is over by then.
  await sleep(12_000);
  counter.reset();
  await sleep(durationMs);
  return new Map(counter.counts);
}

function priceOf({ write, read, sqs }) {
  return write * PRICES.write + read * PRICES.read + sqs * PRICES.sqs;
}

function dollars(value) {
  return `$${value.toFixed(2)}`;
}
