// Which files and functions of ours run for one `callTool` over a start/status pair, from the call to its result, as V8
// counts them. Writes JSON to stdout: `node bench/house/call.js ROOT`, where ROOT is a built checkout.
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const root = process.argv[2];
const dist = pathToFileURL(join(root, 'dist/')).href;

/** What the compiler and V8 add to a file: for `using`, and for the fields of a class. */
const COMPILED = new Set([
  '__addDisposableResource',
  '__disposeResources',
  '<instance_members_initializer>',
  '<static_initializer>',
]);

const pair = {
  name: 'render',
  start: { tool: 'start_render', handleAt: 'job_id' },
  status: { tool: 'render_status', handleArgument: 'job_id', statusAt: 'status', resultAt: 'result' },
};

const STATUSES = [{ status: 'running' }, { status: 'running' }, { status: 'done', result: { frames: 24 } }];

const answer = fields => ({
  content: [{ type: 'text', text: JSON.stringify(fields) }],
  structuredContent: fields,
});

async function connectedClient() {
  const server = new Server({ name: 'render', version: '1' }, { capabilities: { tools: {} } });
  const statuses = STATUSES.values();
  const tool = (name, properties) => ({ name, inputSchema: { type: 'object', properties } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [
      tool('start_render', { scene: { type: 'string' } }),
      tool('render_status', { job_id: { type: 'string' } }),
    ],
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) =>
    answer(params.name === 'start_render' ? { job_id: 'job-1' } : statuses.next().value),
  );
  const client = new Client({ name: 'bench', version: '1' });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([client.connect(ours), server.connect(theirs)]);
  return client;
}

const { AwaitClient } = await import(`${dist}index.js`);
const client = new AwaitClient(await connectedClient(), { pairs: [pair], initialIntervalMs: 10 });

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
const result = await client.callTool({ name: 'start_render', arguments: { scene: 'intro' } });
const coverage = await session.post('Profiler.takePreciseCoverage');
session.disconnect();
await client.close();
if (result.structuredContent?.frames !== 24) throw new Error(`Not the result: ${JSON.stringify(result)}`);

/** The functions of one file that ran. The module itself begins at 0. */
function ran(functions) {
  const helpers = functions.filter(({ functionName }) => functionName.startsWith('__'));
  const isOfHelper = ({ startOffset, endOffset }) =>
    helpers.some(({ ranges: [own] }) => own.startOffset <= startOffset && endOffset <= own.endOffset);
  return functions.filter(
    ({ functionName, ranges: [range] }) =>
      range.count > 0 && range.startOffset > 0 && !COMPILED.has(functionName) && !isOfHelper(range),
  );
}

const files = coverage.result
  .filter(({ url }) => url.startsWith(dist))
  .map(({ url, functions }) => ({
    path: `src/${url.slice(dist.length).replace(/\.js$/, '.ts')}`,
    functions: ran(functions).length,
  }))
  .filter(({ functions }) => functions > 0)
  .sort((a, b) => a.path.localeCompare(b.path));

process.stdout.write(
  JSON.stringify({ files, functions: files.reduce((sum, file) => sum + file.functions, 0) }),
);
