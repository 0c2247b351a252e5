import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/engine/clock.js';
import { openSqliteEngine } from '../../src/engine/sqlite/sqlite-engine.js';
import { connectHttp } from '../fixtures/server/connected-http.js';
import type { Caller } from '../fixtures/server/connected-tools.js';
import { newWorkplace, ROOT, type Workplace } from './command.js';
import { connectServe, firstTaskRef, isRunning, untilEnded } from './served.js';

const NOISY = join(ROOT, 'test/fixtures/server/noisy-operations.js');

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 'first',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };

function toolCall(id: string, name: string, args: object) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

function lines(...messages: object[]): string {
  return messages.map(message => `${JSON.stringify(message)}\n`).join('');
}

/** The messages on a standard output that carries nothing else. */
function messagesOf(
  stdout: string,
): { id: string; result: { structuredContent: Record<string, unknown> } }[] {
  const messages = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  for (const message of messages) expect(message.jsonrpc).toBe('2.0');
  return messages;
}

/** Starts a task that tells the id of the process it runs in. */
async function startTask(caller: Caller, seconds: number): Promise<{ taskRef: string; serverPid: number }> {
  const taskRef: string = (await caller.initiate('process_id', { seconds })).data.task_ref;
  const serverPid = await vi.waitFor(
    async () => {
      const pid = Number((await caller.resolve(taskRef)).data.progress?.message);
      expect(pid).toBeGreaterThan(0);
      return pid;
    },
    { timeout: 20_000 },
  );
  return { taskRef, serverPid };
}

/** What a new server on the same store says of a task, once it has ended. */
async function endOf(taskRef: string) {
  const [, url] = await place.serveHere();
  return (await (await connectHttp(url)).resolve(taskRef, 20)).data;
}

describe('requests piped in', () => {
  it('are all answered before the server ends, also a long poll', async () => {
    const command = place.start(['serve']);
    const first = toolCall('start', 'initiate_background_task', {
      operation_type: 'sleep',
      parameters: { seconds: 1 },
    });
    command.process.stdin?.write(lines(INITIALIZE, INITIALIZED, first));
    const taskRef = await firstTaskRef(command);
    command.process.stdin?.end(
      lines(toolCall('poll', 'resolve_task_status', { task_ref: taskRef, wait_seconds: 10 })),
    );
    const { code, stdout, stderr } = await command.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Besides the answers, the server tells that the task has ended.
    const messages = messagesOf(stdout).filter(({ id }) => id !== undefined);
    expect(messages.map(({ id }) => id)).toEqual(['first', 'start', 'poll']);
    expect(messages[2]?.result.structuredContent).toMatchObject({ status: 'completed' });
  });

  it('are answered when they come in one piece, and the task goes on after the end', async () => {
    const args = { operation_type: 'sleep', parameters: { seconds: 0.5 } };
    const input = lines(INITIALIZE, INITIALIZED, toolCall('start', 'initiate_background_task', args));
    const { code, stdout } = await place.start(['serve'], { input }).finished;
    expect(code).toBe(0);
    const taskRef = messagesOf(stdout)[1]?.result.structuredContent.task_ref as string;
    expect(await endOf(taskRef)).toMatchObject({ status: 'completed', result: { slept_seconds: 0.5 } });
  });

  it('end the server at once when the last one was cancelled', async () => {
    const held = await connectServe(place);
    const taskRef = (await held.initiate('sleep', { seconds: 20 })).data.task_ref;
    const poll = toolCall('poll', 'resolve_task_status', { task_ref: taskRef, wait_seconds: 20 });
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'poll' } };
    const startedAt = performance.now();
    const { code, stdout } = await place.start(['serve'], {
      input: lines(INITIALIZE, INITIALIZED, poll, cancelled),
    }).finished;
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(code).toBe(0);
    expect(messagesOf(stdout).map(({ id }) => id)).toEqual(['first']);
    await held.cancel(taskRef);
  });

  it('that are none end a server that has nothing to do', async () => {
    expect(await place.run(['serve'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('that are no JSON-RPC are passed over', async () => {
    const input = `garbage\n{"jsonrpc":"1.0"}\n[]\n\n${lines(INITIALIZE)}`;
    const { code, stdout } = await place.start(['serve'], { input }).finished;
    expect(code).toBe(0);
    expect(messagesOf(stdout).map(({ id }) => id)).toEqual(['first']);
  });

  it('get nothing but JSON-RPC, whatever operations print', async () => {
    const args = { operation_type: 'noisy', parameters: { seconds: 0.3 }, idempotency_key: 'k' };
    const command = place.start(['serve', '--operations', NOISY]);
    const start = toolCall('start', 'initiate_background_task', args);
    command.process.stdin?.write(lines(INITIALIZE, INITIALIZED, start));
    await command.says(/a log line\n/);
    command.process.stdin?.end(lines(toolCall('again', 'initiate_background_task', args)));
    const { stdout } = await command.finished;
    expect(messagesOf(stdout).map(({ id }) => id)).toEqual(['first', 'start', 'again']);
  });
});

describe('a client that goes away', () => {
  it('by closing leaves a server that finishes its tasks and then ends by itself', async () => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { taskRef, serverPid } = await startTask(caller, 1.5);
    const startedAt = performance.now();
    await caller.client.close();
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(isRunning(serverPid)).toBe(true);
    expect(isRunning(caller.relayPid)).toBe(false);
    expect(await endOf(taskRef)).toMatchObject({ status: 'completed', result: serverPid });
    await untilEnded(serverPid);
  });

  it('in the middle of a long poll does so too', async () => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { taskRef, serverPid } = await startTask(caller, 4);
    caller.resolve(taskRef, 20).catch(() => {});
    // The SDK's client waits for the answer for 2 s, then sends SIGTERM.
    await caller.client.close();
    expect(isRunning(caller.relayPid)).toBe(false);
    expect(await endOf(taskRef)).toMatchObject({ status: 'completed', result: serverPid });
    await untilEnded(serverPid);
  });

  it.each(['SIGKILL', 'SIGHUP', 'SIGTERM'] as const)('with its relay, by %s, does so too', async signal => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { taskRef, serverPid } = await startTask(caller, 1);
    process.kill(caller.relayPid, signal);
    await untilEnded(caller.relayPid);
    expect(isRunning(serverPid)).toBe(true);
    expect(await endOf(taskRef)).toMatchObject({ status: 'completed', result: serverPid });
    await untilEnded(serverPid);
  });

  it('does not stop a task that writes to a standard error that nobody reads any more', async () => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { data } = await caller.initiate('noisy', { seconds: 1 });
    await vi.waitFor(() => expect(caller.stderr()).toContain('a log line'));
    await caller.client.close();
    expect(await endOf(data.task_ref)).toMatchObject({ status: 'completed', result: 'still here' });
  });

  it('leaves its queued tasks to be run too', async () => {
    const caller = await connectServe(place, ['--operations', NOISY, '--concurrency', '1']);
    const { serverPid } = await startTask(caller, 0.5);
    const queued = (await caller.initiate('process_id', { seconds: 0 })).data.task_ref;
    await caller.client.close();
    await untilEnded(serverPid);
    expect(await endOf(queued)).toMatchObject({ status: 'completed', result: serverPid });
  });
});

describe('a server that dies', () => {
  it('closes the connection and ends its relay with an error; its task is lost, not run again', async () => {
    const command = place.start(['serve', '--operations', NOISY]);
    const args = { operation_type: 'process_id', parameters: { seconds: 30 } };
    command.process.stdin?.write(
      lines(INITIALIZE, INITIALIZED, toolCall('start', 'initiate_background_task', args)),
    );
    const taskRef = await firstTaskRef(command);
    const onlooker = await connectServe(place);
    const serverPid = await vi.waitFor(async () => {
      const pid = Number((await onlooker.resolve(taskRef)).data.progress?.message);
      expect(pid).toBeGreaterThan(0);
      return pid;
    });
    await onlooker.client.close();
    process.kill(serverPid, 'SIGKILL');
    expect((await command.finished).code).not.toBe(0);
    // A minute later, so that the lease of the dead has lapsed.
    const clock = { ...systemClock, now: () => Date.now() + 60_000 };
    const engine = openSqliteEngine(join(place.home, 'tasks.db'), { clock, leaseMs: 600 });
    onTestFinished(() => engine.close());
    expect(await engine.waitForEnd(taskRef, { timeoutMs: 10_000 })).toMatchObject({
      status: 'failed',
      error: { code: 'WORKER_LOST', retryable: true },
    });
  });
});

describe('a signal', () => {
  it('SIGTERM lets running tasks end, then ends the server', async () => {
    const command = place.start(['serve', '--operations', NOISY]);
    const args = { operation_type: 'noisy', parameters: { seconds: 0.8 } };
    command.process.stdin?.write(
      lines(INITIALIZE, INITIALIZED, toolCall('start', 'initiate_background_task', args)),
    );
    await command.says(/a log line/);
    command.process.kill('SIGTERM');
    const { code, stdout, stderr } = await command.finished;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^(a log line\n)+$/);
    const taskRef = messagesOf(stdout)[1]?.result.structuredContent.task_ref as string;
    expect(await endOf(taskRef)).toMatchObject({ status: 'completed', result: 'still here' });
  });

  it("SIGINT, which a Ctrl-C at a client's terminal sends here too, is left to the client", async () => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { taskRef, serverPid } = await startTask(caller, 1);
    process.kill(caller.relayPid, 'SIGINT');
    await new Promise(resolve => setTimeout(resolve, 100));
    const answer = await caller.client.callTool({
      name: 'resolve_task_status',
      arguments: { task_ref: taskRef },
    });
    expect(answer.structuredContent).toMatchObject({ status: 'processing' });
    await caller.client.close();
    await untilEnded(serverPid);
    expect(await endOf(taskRef)).toMatchObject({ status: 'completed' });
  });

  it('that comes twice does not wait, and what ran is failed and may be started again', async () => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { taskRef, serverPid } = await startTask(caller, 30);
    process.kill(serverPid, 'SIGTERM');
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(isRunning(serverPid)).toBe(true);
    process.kill(serverPid, 'SIGTERM');
    await untilEnded(serverPid);
    await untilEnded(caller.relayPid);
    expect(await endOf(taskRef)).toMatchObject({
      status: 'failed',
      error: { code: 'WORKER_STOPPED', retryable: true },
    });
  });

  it('while tasks are finished for a client that has gone ends that too', async () => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { taskRef, serverPid } = await startTask(caller, 30);
    await caller.client.close();
    process.kill(serverPid, 'SIGTERM');
    // Two signals at once may arrive as one.
    await new Promise(resolve => setTimeout(resolve, 300));
    process.kill(serverPid, 'SIGTERM');
    await untilEnded(serverPid);
    expect(await endOf(taskRef)).toMatchObject({ status: 'failed', error: { code: 'WORKER_STOPPED' } });
  });
});

describe('servers that share a store', () => {
  it("answer for each other's tasks", async () => {
    const [one, other] = [await connectServe(place), await connectServe(place)];
    const taskRef = (await one.initiate('sleep', { seconds: 0.5 })).data.task_ref;
    expect((await other.resolve(taskRef, 10)).data).toMatchObject({ status: 'completed' });
    const cancelled = (await one.initiate('sleep', { seconds: 20 })).data.task_ref;
    const wait = one.resolve(cancelled, 20);
    expect((await other.cancel(cancelled)).data.status).toBe('cancelled');
    expect((await wait).data.status).toBe('cancelled');
  });

  it('leave processes that operations start to themselves', async () => {
    const caller = await connectServe(place, ['--operations', NOISY]);
    const { data } = await caller.initiate('environment');
    expect((await caller.resolve(data.task_ref, 10)).data.result).toEqual(['MCP_AWAIT_HOME']);
  });
});
