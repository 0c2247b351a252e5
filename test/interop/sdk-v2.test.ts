import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import type { ConnectOptions, ConnectTarget } from '../../src/client/connect/connect.js';
import type { InputQuestion } from '../../src/client/input/input-handler.js';

const SERVER = fileURLToPath(new URL('../fixtures/interop/sdk-v2-server.mjs', import.meta.url));

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

const onStdio = async (): Promise<ConnectTarget> => ({ command: process.execPath, args: [SERVER] });

async function onHttp(): Promise<ConnectTarget> {
  const child = spawn(process.execPath, [SERVER, '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  cleanups.push(() => child.kill('SIGKILL'));
  for await (const chunk of child.stderr) {
    const port = /listening on port (\d+)/.exec(String(chunk))?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}/mcp`;
  }
  throw new Error('The server has ended');
}

async function connected(target: ConnectTarget, options: ConnectOptions = {}) {
  const client = await AwaitClient.connect(target, { initialIntervalMs: 50, ...options });
  cleanups.push(() => client.close());
  return client;
}

describe.each([
  ['standard streams', onStdio],
  ['Streamable HTTP', onHttp],
])('a server of the SDK, version 2, over %s', (_name, open) => {
  test('is recognised as one of the newer generation, and says who it is', async () => {
    const client = await connected(await open());
    expect(client.getServerVersion()).toMatchObject({ name: 'sdk-v2' });
    expect(client.getInstructions()).toBe('Be patient.');
    await client.ping();
    const tools = await client.explainTools();
    expect(new Set(tools.map(({ protocol }) => protocol))).toEqual(new Set(['tasks-2026-07-28']));
  });

  test('answers a call at once, or by a task', async () => {
    const client = await connected(await open());
    const greeting = await client.callTool({ name: 'greet', arguments: { name: 'you' } });
    expect(greeting.content).toEqual([{ type: 'text', text: 'Hello, you' }]);
    expect(greeting).not.toHaveProperty('resultType');
    const task = await client.startTool({ name: 'slow' });
    expect(task.reference).toMatchObject({ protocol: 'tasks-2026-07-28' });
    await expect(task.result()).resolves.toEqual({ content: [{ type: 'text', text: 'forty-two' }] });
  });

  test("fails with the server's real error", async () => {
    const client = await connected(await open());
    await expect(client.callTool({ name: 'broken' })).resolves.toMatchObject({
      structuredContent: {
        status: 'failed',
        error: { code: 'JSON_RPC_-32603', message: 'The disk is full.' },
      },
    });
    await expect(client.callTool({ name: 'refused' })).resolves.toMatchObject({
      isError: true,
      content: [{ text: 'no' }],
    });
    await expect(client.callTool({ name: 'nonesuch' })).rejects.toMatchObject({ code: -32602 });
  });

  test('cancels a task', async () => {
    const client = await connected(await open());
    const task = await client.startTool({ name: 'endless' });
    await task.cancel();
    await expect(task.result()).resolves.toMatchObject({ structuredContent: { status: 'cancelled' } });
  });

  test('asks through `onInput`: each question of a task once, and before a call goes on', async () => {
    const asked: InputQuestion[] = [];
    const client = await connected(await open(), {
      onInput: question => {
        asked.push(question);
        return { action: 'accept', content: { said: question.params.message as string } };
      },
    });
    const answer = (said: string) => ({ action: 'accept', content: { said } });
    const task = await client.startTool({ name: 'ask' });
    await expect(textOf(task.result())).resolves.toEqual({
      first: answer('Which colour?'),
      second: answer('Which size?'),
    });
    expect(asked.map(({ params, tool, reference }) => [params.message, tool, reference])).toEqual([
      ['Which colour?', 'ask', task.reference],
      ['Which size?', 'ask', task.reference],
    ]);
    await expect(textOf(client.callTool({ name: 'confirm' }))).resolves.toEqual({
      inputResponses: { sure: answer('Are you sure?') },
      requestState: 'opaque',
    });
  });

  test('is told that nobody answers, and what it asked is in the error', async () => {
    const client = await connected(await open());
    const failure = await client.callTool({ name: 'ask' }).catch(error => error);
    expect(failure).toMatchObject({
      code: 'INPUT_REQUIRED',
      tool: 'ask',
      message: expect.stringContaining('Which colour? · Which size?'),
      questions: [{ params: { message: 'Which colour?' } }, { params: { message: 'Which size?' } }],
    });
    // The server itself refuses to ask who cannot be asked.
    await expect(client.callTool({ name: 'confirm' })).rejects.toMatchObject({ code: -32021 });
  });

  test('is told when the answer could not be had', async () => {
    const onInput = () => {
      throw new Error('gone home');
    };
    const client = await connected(await open(), { onInput });
    await expect(client.callTool({ name: 'confirm' })).rejects.toMatchObject({
      code: 'INPUT_REQUIRED',
      tool: 'confirm',
      message: expect.stringContaining('gone home'),
      questions: [{ params: { message: 'Are you sure?' } }],
    });
    const task = await client.startTool({ name: 'ask' });
    await expect(task.result()).rejects.toMatchObject({ code: 'INPUT_REQUIRED', reference: task.reference });
  });

  test('takes a silent call back when its wait is over, and when it was silent for too long', async () => {
    const client = await connected(await open(), { silenceTimeoutMs: 300 });
    await expect(client.callTool({ name: 'silent' })).rejects.toMatchObject({
      code: 'AWAIT_TIMEOUT',
      budget: 'silence',
    });
    const patient = await connected(await open());
    const signal = AbortSignal.timeout(200);
    await expect(patient.callTool({ name: 'silent' }, undefined, { signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

test('a task goes on in another process of ours', async () => {
  const target = await onHttp();
  const first = await connected(target);
  const task = await first.startTool({ name: 'slow' });
  task.detach();
  const second = await connected(target);
  const resumed = await second.resumeTask(JSON.parse(JSON.stringify(task.reference)));
  await expect(resumed.result()).resolves.toEqual({ content: [{ type: 'text', text: 'forty-two' }] });
});

async function textOf(answering: Promise<{ content: { type: string }[] }>): Promise<unknown> {
  const [block] = (await answering).content;
  return JSON.parse(block !== undefined && 'text' in block ? String(block.text) : 'null');
}
