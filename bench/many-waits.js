// Ten thousand tasks awaited at once in one process: what it sends, what it holds, how long it blocks.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AwaitClient } from 'mcp-await';
import { withFolder, withHttpServer } from './bundled-server.js';
import { ms, percentile, printTable, timed } from './measure.js';

const TASKS = 10_000;
const SECONDS = 60;
const OPERATIONS = fileURLToPath(new URL('waiting/operations.js', import.meta.url));
const STATUS_TOOL = 'resolve_task_status';

const call = { name: 'timed_sleep', arguments: { seconds: SECONDS } };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** `--concurrency` of the server is not what is measured here, so it must not queue. */
export async function manyWaits() {
  await withFolder(folder =>
    withHttpServer(folder, measure, ['--operations', OPERATIONS, '--concurrency', String(TASKS)]),
  );
}

async function measure(url) {
  let startedCount = 0;
  const onEvent = ({ type }) => {
    if (type === 'task-started') startedCount++;
  };
  const client = await AwaitClient.connect(url, { maxAttempts: Number.POSITIVE_INFINITY, onEvent });
  const requests = watchRequests(client.transport);
  await client.listTools();
  collectGarbage();
  const before = process.memoryUsage();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const { elapsedMs, value } = await timed(async () => {
    const lateMs = Array.from({ length: TASKS }, async () => {
      const { structuredContent } = await client.callTool(call);
      return Date.now() - structuredContent.ended_at;
    });
    while (startedCount < TASKS) await sleep(50);
    delay.disable();
    const pauseMs = delay.max / 1e6;
    const { rss } = process.memoryUsage();
    collectGarbage();
    const { heapUsed } = process.memoryUsage();
    delay.reset();
    delay.enable();
    return { lateMs: await Promise.all(lateMs), heapUsed, rss, pauseMs };
  });
  delay.disable();
  await client.close();
  const { lateMs, heapUsed, rss, pauseMs } = value;
  const megabytes = (after, atFirst) => `+${((after - atFirst) / 1e6).toFixed(0)} MB`;
  printTable(
    `${TASKS} tasks of ${SECONDS} s awaited at once over HTTP, in one process (targets: +150 MB, 100 ms, 20/s after a burst of 20)`,
    ['', ''],
    [
      ['right results', `${lateMs.filter(Number.isFinite).length} of ${TASKS}`],
      ['wall', `${(elapsedMs / 1000).toFixed(1)} s`],
      ['requests/task', (requests.count / TASKS).toFixed(2)],
      ['most status requests in a second', String(requests.mostPolls())],
      ['memory held while all wait', megabytes(heapUsed, before.heapUsed)],
      ['resident, with garbage', megabytes(rss, before.rss)],
      ['longest pause, starting', ms(pauseMs)],
      ['longest pause, waiting and ending', ms(delay.max / 1e6)],
      ['late p50', ms(percentile(lateMs, 0.5))],
      ['late p99', ms(percentile(lateMs, 0.99))],
    ],
  );
}

function watchRequests(transport) {
  const polls = [];
  const watched = {
    count: 0,
    /** In any second, of which the first has the burst, too. */
    mostPolls: () =>
      Math.max(0, ...polls.map((at, from) => polls.slice(from).findIndex(t => t >= at + 1000))),
  };
  const send = transport.send.bind(transport);
  transport.send = (message, ...rest) => {
    watched.count++;
    if (message.params?.name === STATUS_TOOL) polls.push(performance.now());
    return send(message, ...rest);
  };
  return watched;
}
