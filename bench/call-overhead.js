// What AwaitClient.callTool costs on a synchronous tool, against the SDK's own Client.callTool, in turn on one server.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { AwaitClient } from 'mcp-await';
import { stdioTarget, withFolder, withHttpServer } from './bundled-server.js';
import { median, ms, printTable, ratio, timed } from './measure.js';

const ROUNDS = 30;
const CALLS_PER_ROUND = 100;
const TARGET = 1.15;

const startCall = {
  name: 'initiate_background_task',
  arguments: { operation_type: 'sleep', parameters: { seconds: 0 } },
};

/** A call of a tool that answers by itself: it tells the state of a task that has ended. */
async function statusCall(client) {
  const { structuredContent } = await client.callTool(startCall);
  const call = { name: 'resolve_task_status', arguments: { task_ref: structuredContent.task_ref } };
  for (;;) {
    const { structuredContent, isError } = await client.callTool(call);
    if (isError === true) throw new Error(JSON.stringify(structuredContent));
    if (structuredContent.status === 'completed') return call;
  }
}

async function perCall(client, call) {
  const { elapsedMs } = await timed(async () => {
    for (let index = 0; index < CALLS_PER_ROUND; index++) await client.callTool(call);
  });
  return elapsedMs / CALLS_PER_ROUND;
}

async function compare(name, transport) {
  const sdkClient = new Client({ name: 'bench', version: '1' });
  await sdkClient.connect(transport);
  const awaitClient = new AwaitClient(sdkClient);
  const call = await statusCall(sdkClient);
  await perCall(sdkClient, call);
  await perCall(awaitClient, call);
  const [sdk, ours] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    sdk.push(await perCall(sdkClient, call));
    ours.push(await perCall(awaitClient, call));
  }
  await sdkClient.close();
  const pairs = median(ours.map((value, index) => value / sdk[index]));
  return [name, ms(median(sdk)), ms(median(ours)), ratio(pairs), pairs < TARGET ? 'met' : 'MISSED'];
}

export async function callOverhead() {
  const rows = [];
  await withFolder(async folder => {
    const { command, args, env } = stdioTarget(folder);
    const transport = new StdioClientTransport({
      command,
      args: [...args, '--offer-sleep'],
      env: { PATH: process.env.PATH, ...env },
    });
    rows.push(await compare('stdio', transport));
  });
  await withFolder(folder =>
    withHttpServer(folder, async url => {
      rows.push(await compare('HTTP', new StreamableHTTPClientTransport(new URL(url))));
    }),
  );
  printTable(
    `callTool on a synchronous tool, ${ROUNDS} × ${CALLS_PER_ROUND} calls in turn (target: under ${TARGET}×)`,
    ['transport', 'SDK', 'AwaitClient', 'ratio, pair by pair', 'target'],
    rows,
  );
}
