// How long a caller waits for its task_ref, with 50 callers at a time.
import { AwaitClient } from 'mcp-await';
import { stdioTarget, withFolder, withHttpServer } from './bundled-server.js';
import { ms, percentile, printTable, timed } from './measure.js';

const CALLERS = 50;
const ROUNDS = 20;
const TARGET_MS = 200;

const call = {
  name: 'initiate_background_task',
  arguments: { operation_type: 'sleep', parameters: { seconds: 0 } },
};

/** Every client keeps its share of the callers busy; all of them start together. */
async function measure(clients) {
  const latencies = [];
  const caller = async client => {
    for (let round = 0; round < ROUNDS; round++) {
      const { elapsedMs, value } = await timed(() => client.sdkClient.callTool(call));
      if (value.structuredContent?.task_ref === undefined) throw new Error(JSON.stringify(value));
      latencies.push(elapsedMs);
    }
  };
  const callers = Array.from({ length: CALLERS }, (_, index) => caller(clients[index % clients.length]));
  const { elapsedMs } = await timed(() => Promise.all(callers));
  return { latencies, perSecond: (latencies.length / elapsedMs) * 1000 };
}

function row(name, { latencies, perSecond }) {
  const p99 = percentile(latencies, 0.99);
  const verdict = p99 < TARGET_MS ? 'met' : 'MISSED';
  return [
    name,
    String(latencies.length),
    ms(percentile(latencies, 0.5)),
    ms(p99),
    perSecond.toFixed(0),
    verdict,
  ];
}

export async function initiate() {
  const rows = [];
  await withFolder(folder =>
    withHttpServer(folder, async url => {
      const clients = await Promise.all(Array.from({ length: CALLERS }, () => AwaitClient.connect(url)));
      rows.push(row('HTTP, 50 clients', await measure(clients)));
      await Promise.all(clients.map(client => client.close()));
    }),
  );
  await withFolder(async folder => {
    const client = await AwaitClient.connect(stdioTarget(folder));
    rows.push(row('stdio, 50 calls on one connection', await measure([client])));
    await client.close();
  });
  printTable(
    `initiate_background_task, ${CALLERS} concurrent callers (target: p99 under ${TARGET_MS} ms)`,
    ['transport', 'calls', 'p50', 'p99', 'calls/s', 'target'],
    rows,
  );
}
