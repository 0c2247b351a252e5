import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newSecret, type ReceivedMessage, startReceiver } from '../fixtures/server/webhook-receiver.js';
import { type Command, newWorkplace, type Workplace } from './command.js';

const LEASE = ['--lease', '2s'];
const secret = newSecret();

let place: Workplace;
let signing: string[];
beforeEach(async () => {
  place = await newWorkplace();
  const file = join(place.home, 'secret');
  await writeFile(file, `# of the tests\n${secret}\n`);
  signing = ['--webhook-secret-file', file, '--webhook-allow-private', '--webhook-allow-http', ...LEASE];
});
afterEach(() => place.remove());

async function startFront(): Promise<string> {
  const [, url] = await place.serveHere('--offer-sleep', '--no-worker', ...signing);
  return url;
}

async function startWorker(flags: readonly string[]): Promise<Command> {
  const worker = place.start(['worker', ...flags]);
  await worker.says(/Working on/);
  return worker;
}

async function kill(worker: Command): Promise<void> {
  worker.process.kill('SIGKILL');
  await worker.finished;
}

/** Starts a sleep that tells `webhookUrl` of its end; its reference. */
async function startSleep(url: string, webhookUrl: string, seconds: number): Promise<string> {
  const args = { operation_type: 'sleep', parameters: { seconds }, webhook_url: webhookUrl };
  const words = ['run', 'initiate_background_task', '--args', JSON.stringify(args), '--detach', '--url', url];
  const { stdout, stderr } = await place.run(words);
  expect(stderr).not.toContain('refused');
  return stdout.trim();
}

function verified(message: ReceivedMessage | undefined): unknown {
  return new Webhook(secret).verify(message?.body ?? '', message?.headers ?? {});
}

async function operationStats(): Promise<readonly { operation: string; processing: number }[]> {
  const { stdout } = await place.run(['stats', '--json']);
  return JSON.parse(stdout).operations;
}

describe('a message outlives the process that owed it', () => {
  it('where the worker was killed between the end of the task and the delivery', async () => {
    const receiver = await startReceiver();
    const url = await startFront();
    // Without a secret a worker can only queue the message.
    const first = await startWorker(LEASE);
    const reference = await startSleep(url, receiver.url, 0);
    expect((await place.run(['wait', reference, '--url', url])).code).toBe(0);
    await kill(first);
    expect(receiver.received).toEqual([]);
    await startWorker(signing);
    const [message] = await receiver.receives(1, 15_000);
    expect(verified(message)).toMatchObject({
      type: 'task.completed',
      data: { result: { slept_seconds: 0 } },
    });
    const status = await place.run(['status', reference, '--url', url, '--json']);
    expect(status.stdout).not.toContain('token=private');
  });

  it('where the worker was killed while it sent the message: the next one sends it again', async () => {
    const receiver = await startReceiver([() => {}]);
    const url = await startFront();
    const first = await startWorker(signing);
    await startSleep(url, receiver.url, 0);
    await receiver.receives(1, 15_000);
    await kill(first);
    await startWorker(signing);
    const [sent, again] = await receiver.receives(2, 15_000);
    expect(again?.body).toBe(sent?.body);
    expect(again?.headers['webhook-id']).toBe(sent?.headers['webhook-id']);
    expect(verified(again)).toMatchObject({ type: 'task.completed' });
  });

  it('where the task itself was lost with its worker', async () => {
    const receiver = await startReceiver();
    const url = await startFront();
    const first = await startWorker(signing);
    await startSleep(url, receiver.url, 60);
    await vi.waitFor(async () => {
      expect((await operationStats())[0]).toMatchObject({ operation: 'sleep', processing: 1 });
    }, 10_000);
    await kill(first);
    await startWorker(signing);
    const [message] = await receiver.receives(1, 15_000);
    expect(verified(message)).toMatchObject({
      type: 'task.failed',
      data: { status: 'failed', error: { code: 'WORKER_LOST', retryable: true } },
    });
  });
});

it('two workers deliver each message once', async () => {
  const receiver = await startReceiver();
  const url = await startFront();
  await Promise.all([startWorker(signing), startWorker(signing)]);
  const references = await Promise.all(Array.from({ length: 6 }, () => startSleep(url, receiver.url, 0)));
  const messages = await receiver.receives(references.length, 15_000);
  await vi.waitFor(async () => {
    const stats = await operationStats();
    expect(stats.find(({ operation }) => operation === 'deliver_webhook')).toMatchObject({
      pending: 0,
      processing: 0,
      completed: references.length,
    });
  }, 10_000);
  expect(messages).toHaveLength(references.length);
  expect(new Set(messages.map(({ headers }) => headers['webhook-id'])).size).toBe(references.length);
});

describe('serve and worker refuse', () => {
  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['webhooks without a secret', ['--webhook-allow-http'], {}, /Webhooks need a secret/],
    [
      'a secret that is none',
      [],
      { MCP_AWAIT_WEBHOOK_SECRET: 'hunter2' },
      /Webhook secret 1 does not begin with `whsec_`/,
    ],
    [
      'a file that is missing',
      ['--webhook-secret-file', 'none'],
      {},
      /webhook secret file none cannot be read/,
    ],
    ['a file without a secret', ['--webhook-secret-file', '/dev/null'], {}, /names no webhook secret/],
    ['a host that is none', ['--webhook-host', '*'], { MCP_AWAIT_WEBHOOK_SECRET: secret }, /got "\*"/],
  ])('%s', async (_case, flags, env, message) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    for (const verb of [['worker'], ['serve', '--http', '--offer-sleep', '--port', '0']]) {
      const { code, stderr } = await place.run([...verb, ...flags]);
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain('hunter2');
      expect(code).toBe(2);
    }
  });
});
