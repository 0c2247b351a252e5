import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type ClientCapabilities,
  type ElicitRequest,
  ElicitRequestSchema,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js';
import { expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { AwaitClient } from '../../src/client/await-client.js';
import type { TaskRecord } from '../../src/engine/task-record.js';
import { defineOperation } from '../../src/server/operation.js';
import { startServer } from '../../src/server/start-server.js';
import type { TaskService } from '../../src/server/task-service.js';
import { afterQuestions } from '../../src/server/tools/after-questions.js';
import { takesForms } from '../../src/server/tools/server-tool.js';
import { sleep } from '../../src/time/sleep.js';
import { callerOf } from '../fixtures/server/connected-tools.js';

const asking = defineOperation({
  name: 'asking',
  description: 'Asks after a while.',
  input: z.object({ after_ms: z.number().default(0) }),
  async run({ after_ms }, { elicit, signal }) {
    await sleep(after_ms, signal);
    const answer = await elicit(z.object({ name: z.string() }), 'Who are you?');
    return { hello: answer.action === 'accept' ? answer.content.name : answer.action };
  },
});

async function serve(): Promise<URL> {
  const server = await startServer({ store: 'memory:', operations: [asking], http: { port: 0 } });
  onTestFinished(() => server.close(0));
  return new URL(server.url ?? '');
}

async function connect(
  url: URL,
  capabilities: ClientCapabilities,
  answer?: (request: ElicitRequest) => ElicitResult | Promise<ElicitResult>,
) {
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  if (answer !== undefined) client.setRequestHandler(ElicitRequestSchema, answer);
  await client.connect(new StreamableHTTPClientTransport(url) as Transport);
  onTestFinished(() => client.close());
  return callerOf(client);
}

const ada = (): ElicitResult => ({ action: 'accept', content: { name: 'Ada' } });

test('a question goes to the client that asks for the state, and its answer into the store', async () => {
  const asked: ElicitRequest[] = [];
  const caller = await connect(await serve(), { elicitation: {} }, request => {
    asked.push(request);
    return ada();
  });
  const { data } = await caller.initiate('asking');
  expect((await caller.resolve(data.task_ref, 10)).data).toMatchObject({
    status: 'completed',
    result: { hello: 'Ada' },
  });
  expect(asked).toMatchObject([
    {
      params: {
        message: 'Who are you?',
        _meta: { 'io.modelcontextprotocol/related-task': { taskId: data.task_ref } },
      },
    },
  ]);
});

test('a client that cannot ask is told the questions, at once, and holds its next call as usual', async () => {
  const url = await serve();
  const caller = await connect(url, {});
  const { data } = await caller.initiate('asking', { after_ms: 300 });
  const told = (await caller.resolve(data.task_ref, 20)).data;
  expect(told).toMatchObject({
    status: 'processing',
    input_requests: { [Object.keys(told.input_requests)[0] ?? '']: { method: 'elicitation/create' } },
  });
  const held = caller.resolve(data.task_ref, 20);
  const other = await connect(url, { elicitation: {} }, ada);
  await other.resolve(data.task_ref);
  expect((await held).data).toMatchObject({ status: 'completed', result: { hello: 'Ada' } });
});

test('a client that cannot ask is told the question in the answer to the call, and what a person can do', async () => {
  const { client } = await connect(await serve(), {});
  await client.listTools();
  const { content, structuredContent } = await client.callTool({ name: 'asking', arguments: {} });
  const { task_ref } = structuredContent as { task_ref: string };
  expect(structuredContent).toMatchObject({
    status: 'processing',
    how_to_answer: expect.stringContaining(`npx mcp-await wait ${task_ref}`),
  });
  expect(JSON.stringify(content)).toContain('waits for input: \\\\\\"Who are you?');
});

test('AwaitClient hears of a question that is open already before its look is held', async () => {
  const startedAt = performance.now();
  const client = await AwaitClient.connect((await serve()).href);
  onTestFinished(() => client.close());
  const call = client.callTool({ name: 'asking', arguments: {} });
  await expect(call).rejects.toMatchObject({
    code: 'INPUT_REQUIRED',
    questions: [{ params: { message: 'Who are you?' } }],
  });
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

test('a call is held on after the answer, for as long as it is held at all', async () => {
  const asking = { taskRef: 't', inputRequests: { a: {} } } as unknown as TaskRecord;
  const working = { ...asking, inputRequests: undefined, status: 'processing' } as unknown as TaskRecord;
  const resolve = vi.fn(async () => working);
  const tasks = { waitForChange: async () => working, resolve } as unknown as TaskService;
  const waits = async (waitMs: number) => {
    const startedAt = performance.now();
    const signal = new AbortController().signal;
    await afterQuestions(asking, tasks, { principal: 'ada', signal, askClient() {}, startedAt, waitMs });
    const [, , wait] = resolve.mock.lastCall as unknown as [string, string, { waitMs: number }];
    return wait.waitMs;
  };
  expect(await waits(115_000)).toBeGreaterThan(100_000);
  expect(await waits(0)).toBeCloseTo(1000, -2);
});

test('an answer that does not fit leaves the question open', async () => {
  const answers: ElicitResult[] = [{ action: 'accept', content: { name: 7 } }, { action: 'decline' }];
  const url = await serve();
  const caller = await connect(url, { elicitation: {} }, () => answers.shift() ?? ada());
  const { data } = await caller.initiate('asking');
  const first = caller.resolve(data.task_ref, 10).catch(() => undefined);
  await vi.waitUntil(() => answers.length === 1);
  const other = await connect(url, { elicitation: {} }, () => answers.shift() ?? ada());
  const { result } = (await other.resolve(data.task_ref, 10)).data;
  expect(result).toEqual({ hello: 'decline' });
  await first;
});

test.each([0, 1500])('AwaitClient answers what an operation asks after %d ms', async after_ms => {
  const onInput = vi.fn(async () => ({ action: 'accept', content: { name: 'Ada' } }));
  const client = await AwaitClient.connect((await serve()).href, { onInput } as object);
  onTestFinished(() => client.close());
  const call = { name: 'asking', arguments: { after_ms } };
  expect((await client.callTool(call)).structuredContent).toEqual({ hello: 'Ada' });
  expect(onInput).toHaveBeenCalledOnce();
});

test.each([
  [{}, true],
  [{ form: {} }, true],
  [{ form: {}, url: {} }, true],
  [{ url: {} }, false],
  [undefined, false],
  [true, false],
])('a client with the elicitation capability %j shows forms: %s', (capability, expected) => {
  expect(takesForms(capability)).toBe(expected);
});
