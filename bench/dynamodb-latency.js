// How soon a front hears of what the worker of another process does, and a worker of a cancel: real processes on DynamoDB and SQS.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AwaitClient } from 'mcp-await';
import { newStoreUrl } from './aws-contenders.js';
import { withFolder, withHttpServer } from './bundled-server.js';
import { ms, percentile, printTable } from './measure.js';
import { withAws } from './services.js';

const OPERATIONS = fileURLToPath(new URL('../test/fixtures/server/traced-operations.js', import.meta.url));
const SHORT = { count: 60, callers: 4 };
const LONG = { count: 24, callers: 12 };
/** A task that has run for so long is looked at least often. */
const LONG_SECONDS = 27;
const LONG_POLL_SECONDS = 20;

export async function dynamodbLatency() {
  await withAws(endpoints =>
    withFolder(async folder => {
      const flags = ['--store', await newStoreUrl(endpoints), '--operations', OPERATIONS];
      await withHttpServer(folder, url => withHttpServer(folder, () => measure(url, folder), flags), [
        '--no-worker',
        ...flags,
      ]);
    }),
  );
}

async function measure(url, folder) {
  const client = await AwaitClient.connect(url);
  const call = async (name, args) =>
    (await client.sdkClient.callTool({ name, arguments: args })).structuredContent;
  let count = 0;
  /** Starts a task, whose trace tells when it began, ended and was stopped. */
  const start = async seconds => {
    const file = join(folder, `trace-${count++}`);
    const parameters = { file, seconds };
    const { task_ref } = await call('initiate_background_task', { operation_type: 'traced', parameters });
    const at = async word => {
      for (;;) {
        const text = await readFile(file, 'utf8').catch(() => '');
        const found = new RegExp(`${word} (\\d+)`).exec(text);
        if (found !== null) return Number(found[1]);
        await sleep(10);
      }
    };
    return { task_ref, at };
  };
  const heard = async seconds => {
    const { task_ref, at } = await start(seconds + Math.random());
    for (;;) {
      const { status } = await call('resolve_task_status', { task_ref, wait_seconds: LONG_POLL_SECONDS });
      const heardAt = Date.now();
      if (status === 'completed') return heardAt - (await at('ended'));
      if (status !== 'pending' && status !== 'processing') throw new Error(`The task is ${status}.`);
    }
  };
  const cancelled = async seconds => {
    const { task_ref, at } = await start(100);
    await at('began');
    await sleep((seconds + Math.random()) * 1000);
    const cancelledAt = Date.now();
    await call('cancel_background_task', { task_ref });
    return (await at('stopped')) - cancelledAt;
  };
  await start(0);
  const rows = [];
  for (const [what, measureOne, seconds, sample] of [
    ['from the end of a task of 1 s to the answer of a long poll', heard, 0.5, SHORT],
    [`from the end of a task of ${LONG_SECONDS} s to the answer of a long poll`, heard, LONG_SECONDS, LONG],
    ['from a cancel to the signal of a task of 1 s', cancelled, 0.5, SHORT],
    [`from a cancel to the signal of a task of ${LONG_SECONDS} s`, cancelled, LONG_SECONDS, LONG],
  ]) {
    const delays = await samples(() => measureOne(seconds), sample);
    rows.push([what, ...[0.5, 0.95, 1].map(share => ms(percentile(delays, share)))]);
  }
  printTable(
    'DynamoDB and SQS emulated: a front, and a worker in another process',
    ['', 'p50', 'p95', 'most'],
    rows,
  );
  await client.close();
}

async function samples(measureOne, { count, callers }) {
  const all = [];
  let left = count;
  const caller = async () => {
    while (left-- > 0) all.push(await measureOne());
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return all;
}
