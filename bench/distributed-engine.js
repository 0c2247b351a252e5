// The engines on Redis and on PostgreSQL, in turn with the bare library on the same server.
import { bareBullmq, engineOn } from './contenders.js';
import { latencies, median, ms, percentile, printTable, ratio, timed } from './measure.js';
import { isInstalled, withPostgres, withRedis } from './services.js';

const CONCURRENCY = 50;
const TARGET = 1.5;
const ROUNDS = 6;

const STORES = [
  {
    name: 'Redis, appendfsync always',
    program: 'redis-server',
    tasks: 2000,
    trips: 1000,
    run: work => withRedis('always', work),
  },
  {
    name: 'Redis, appendfsync everysec',
    program: 'redis-server',
    tasks: 2000,
    trips: 1000,
    run: work => withRedis('everysec', work),
  },
  { name: 'PostgreSQL', program: 'initdb', tasks: 500, trips: 150, run: withPostgres },
];

/** Milliseconds of processor time that `work` costs this process. */
async function processorTime(work) {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

/** One round of one contender: its numbers by measure, all of them better when they are small. */
async function round(open, { url, tasks, trips }) {
  const first = await open(url, { concurrency: CONCURRENCY });
  let submits = [];
  const submitCpu = await processorTime(async () => {
    submits = await latencies(first.submit, { count: tasks, callers: CONCURRENCY });
  });
  let drainMs = 0;
  const drainCpu = await processorTime(async () => {
    drainMs = (await timed(() => first.drain(tasks))).elapsedMs;
  });
  await first.close();
  const second = await opened(open, url);
  let together = [];
  const tripCpu = await processorTime(async () => {
    together = await latencies(second.roundTrip, { count: trips, callers: CONCURRENCY });
  });
  await second.close();
  return {
    'submit p50': percentile(submits, 0.5),
    'submit p99': percentile(submits, 0.99),
    'submit, processor time': submitCpu / tasks,
    drain: drainMs / tasks,
    'drain, processor time': drainCpu / tasks,
    [`round trip p50, ${CONCURRENCY} callers`]: percentile(together, 0.5),
    [`round trip p99, ${CONCURRENCY} callers`]: percentile(together, 0.99),
    'round trip, processor time': tripCpu / trips,
  };
}

async function opened(open, url) {
  const contender = await open(url, { concurrency: CONCURRENCY });
  await contender.serve();
  await contender.roundTrip();
  return contender;
}

/** Round trips of one caller: each contender makes every other one, so that both meet the same machine. */
async function alone({ url, trips }) {
  const both = [await opened(bareBullmq, url), await opened(engineOn, url)];
  const took = [[], []];
  for (let trip = 0; trip < trips / 5; trip++)
    for (const [index, { roundTrip }] of both.entries()) took[index].push((await timed(roundTrip)).elapsedMs);
  for (const contender of both) await contender.close();
  return took.map(times => ({
    'round trip p50, one caller': percentile(times, 0.5),
    'round trip p99, one caller': percentile(times, 0.99),
  }));
}

/** Each round runs both, and every other round begins with the other one. */
async function rounds(sizes) {
  const bare = [];
  const ours = [];
  const contenders = [
    async () => bare.push(await round(bareBullmq, sizes)),
    async () => ours.push(await round(engineOn, sizes)),
  ];
  for (let index = 0; index < ROUNDS; index++) {
    for (const run of index % 2 === 0 ? contenders : contenders.toReversed()) await run();
    const [bareAlone, oursAlone] = await alone(sizes);
    Object.assign(bare.at(-1), bareAlone);
    Object.assign(ours.at(-1), oursAlone);
  }
  return { bare, ours };
}

function row(measure, { bare, ours }) {
  const of = results => median(results.map(result => result[measure]));
  const share = median(ours.map((result, index) => result[measure] / bare[index][measure]));
  const show = value => (measure === 'drain' ? `${(1000 / value).toFixed(0)}/s` : ms(value));
  return [measure, show(of(bare)), show(of(ours)), ratio(share), share <= TARGET ? 'met' : 'MISSED'];
}

export async function distributedEngine() {
  for (const { name, program, tasks, trips, run } of STORES) {
    if (!isInstalled(program)) {
      console.log(`\n${name}: skipped, ${program} is not installed.`);
      continue;
    }
    const { bare, ours } = await run(url => rounds({ url, tasks, trips }));
    printTable(
      `${name}: ${tasks} tasks that do nothing, ${CONCURRENCY} callers, concurrency ${CONCURRENCY} (target: at most ${TARGET}× of bare BullMQ)`,
      ['', 'bare BullMQ', 'this engine', 'ratio, round by round', 'target'],
      Object.keys(bare[0]).map(measure => row(measure, { bare, ours })),
    );
  }
}
