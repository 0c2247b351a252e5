import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { AwaitClient } from 'mcp-await';
import { z } from 'zod';
import { stdioTarget, withFolder } from './bundled-server.js';
import { printTable, timed } from './measure.js';
import { runAgent, scriptedModel } from './scripted-agent.js';

/** A minute of the jobs, of the model and of the blocking tool's limit takes a second; nothing of this library is faster. */
const SCALE = 60;
const JOB_SECONDS = [20, 40, 55, 90, 120, 150, 180, 210, 240, 300];
const TURN_SECONDS = 5;
const MOST_TURNS = 40;
const LIMIT_SECONDS = 60;

const textOf = ({ content }) => content.map(({ text }) => text).join('\n');
const START = 'initiate_background_task';
const STATUS = 'resolve_task_status';
const startOf = seconds => ({
  name: START,
  arguments: { operation_type: 'sleep', parameters: { seconds: seconds / SCALE } },
});

/** The model starts the job, and asks itself for its state. */
function polling(folder) {
  return withClient(new StdioClientTransport(stdioTarget(folder)), async client => {
    const { tools } = await client.listTools();
    return doJobs({
      tools: tools.filter(({ name }) => name === START || name === STATUS),
      model: seconds => scriptedModel({ start: startOf(seconds), statusTool: STATUS, mostTurns: MOST_TURNS }),
      call: async toolCall => textOf(await client.callTool(toolCall)),
    });
  });
}

/** The tool answers when the job is done, and its client gives up after 60 s, as the SDK and many hosts do. */
async function blocking() {
  const server = new McpServer({ name: 'blocking', version: '1' });
  const inputSchema = { seconds: z.number().describe('How long to wait; fractions are fine') };
  server.registerTool('sleep', { description: 'Waits.', inputSchema }, async ({ seconds }, { signal }) => {
    await new Promise(resolve => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal.addEventListener('abort', () => clearTimeout(timer));
    });
    return { content: [{ type: 'text', text: JSON.stringify({ slept_seconds: seconds }) }] };
  });
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await server.connect(serverSide);
  const timeout = (LIMIT_SECONDS / SCALE) * 1000;
  return withClient(clientSide, async client =>
    doJobs({
      tools: (await client.listTools()).tools,
      model: seconds =>
        scriptedModel({
          start: { name: 'sleep', arguments: { seconds: seconds / SCALE } },
          mostTurns: MOST_TURNS,
        }),
      call: toolCall =>
        client.callTool(toolCall, undefined, { timeout }).then(textOf, error => error.message),
    }),
  );
}

/** The same tool as in the first way, called through this library. */
async function awaited(folder) {
  const client = await AwaitClient.connect(stdioTarget(folder));
  try {
    const tools = (await client.tools()).filter(({ name }) => name === START);
    return await doJobs({
      tools,
      model: seconds => scriptedModel({ start: startOf(seconds), mostTurns: MOST_TURNS }),
      call: async toolCall => textOf(await tools[0].call(toolCall.arguments)),
    });
  } finally {
    await client.close();
  }
}

async function withClient(transport, work) {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(transport);
  return work(client).finally(() => client.close());
}

/** All jobs, one after the other, each in a conversation of its own. */
async function doJobs({ tools, model, call }) {
  const sum = { finished: 0, turns: 0, inputTokens: 0, outputTokens: 0 };
  const { elapsedMs } = await timed(async () => {
    for (const seconds of JOB_SECONDS) {
      const job = `Run the job of ${seconds} seconds.`;
      const turnMs = (TURN_SECONDS / SCALE) * 1000;
      const spent = await runAgent({ job, tools, call, turnMs, model: model(seconds) });
      for (const name of Object.keys(sum)) sum[name] += Number(spent[name]);
    }
  });
  return { ...sum, minutes: (elapsedMs * SCALE) / 60_000 };
}

/** What ten long jobs cost an agent, depending on who waits for them. */
export async function agent() {
  const ways = [
    ['the model polls', await withFolder(polling)],
    [`a tool that blocks, ${LIMIT_SECONDS} s limit`, await blocking()],
    ['mcp-await', await withFolder(awaited)],
  ];
  printTable(
    'An agent: ten jobs of 20 s to 5 min, one after the other',
    ['who waits', 'jobs finished', 'model turns', 'input tokens', 'output tokens', 'wall time'],
    ways.map(([name, { finished, turns, inputTokens, outputTokens, minutes }]) => [
      name,
      `${finished} of ${JOB_SECONDS.length}`,
      turns,
      inputTokens.toLocaleString('en'),
      outputTokens.toLocaleString('en'),
      `${minutes.toFixed(1)} min`,
    ]),
  );
}
