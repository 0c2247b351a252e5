// How long a caller waits for its task_ref, with 50 callers at a time, in turn with a tool of the SDK that only answers.
import { AwaitClient } from 'mcp-await';
import {
  PLAIN_SERVER,
  stdioTarget,
  withFolder,
  withHttpServer,
  withPlainHttpServer,
} from './bundled-server.js';
import { latencies, median, ms, percentile, printTable, ratio } from './measure.js';

const CALLERS = 50;
const CALLS = 1000;
const ROUNDS = 6;
const TARGET_MS = 200;
const TARGET = 1.3;

const ECHO = { name: 'echo', arguments: { text: 'hello' } };
const INITIATE = {
  name: 'initiate_background_task',
  arguments: { operation_type: 'sleep', parameters: { seconds: 0 } },
};

/** One round: every client makes its share of the calls, all at the same time. */
async function round(clients, call) {
  let next = 0;
  const make = async () => {
    const { isError, content } = await clients[next++ % clients.length].sdkClient.callTool(call);
    if (isError) throw new Error(JSON.stringify(content));
  };
  return latencies(make, { count: CALLS, callers: CALLERS });
}

/** Each round calls both, and every other round begins with the other one. */
async function row(name, { plain, ours }) {
  const [echoes, initiates] = [[], []];
  const contenders = [
    async () => echoes.push(await round(plain, ECHO)),
    async () => initiates.push(await round(ours, INITIATE)),
  ];
  for (const contender of contenders) await contender();
  echoes.length = initiates.length = 0;
  for (let index = 0; index < ROUNDS; index++)
    for (const run of index % 2 === 0 ? contenders : contenders.toReversed()) await run();
  const p50 = median(initiates.map((all, index) => median(all) / median(echoes[index])));
  const p99 = percentile(initiates.flat(), 0.99);
  return [
    name,
    ms(median(echoes.flat())),
    ms(median(initiates.flat())),
    ratio(p50),
    p50 < TARGET ? 'met' : 'MISSED',
    ms(p99),
    p99 < TARGET_MS ? 'met' : 'MISSED',
  ];
}

async function withClients(targets, work) {
  const clients = await Promise.all(targets.map(target => AwaitClient.connect(target)));
  try {
    return await work(clients);
  } finally {
    await Promise.all(clients.map(client => client.close()));
  }
}

const each = target => Array.from({ length: CALLERS }, () => target);

export async function initiate() {
  const rows = await withFolder(folder =>
    withPlainHttpServer(plainUrl =>
      withHttpServer(folder, url =>
        withClients(each(plainUrl), plain =>
          withClients(each(url), async ours => [await row('HTTP, 50 clients', { plain, ours })]),
        ),
      ),
    ),
  );
  await withFolder(folder =>
    withClients([{ command: process.execPath, args: [PLAIN_SERVER] }], plain =>
      withClients([stdioTarget(folder)], async ours => {
        rows.push(await row('stdio, 50 calls on one connection', { plain, ours }));
      }),
    ),
  );
  printTable(
    `initiate_background_task, ${CALLERS} concurrent callers (target: p50 within ${TARGET}× of an echo tool of the plain SDK, p99 under ${TARGET_MS} ms)`,
    ['transport', 'echo p50', 'initiate p50', 'ratio, round by round', 'target', 'initiate p99', 'target'],
    rows,
  );
}
