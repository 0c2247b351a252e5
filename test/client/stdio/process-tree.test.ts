import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { StdioTransport } from '../../../src/client/stdio/stdio-transport.js';

const script = fileURLToPath(new URL('../../fixtures/client/odd-stdio-server.mjs', import.meta.url));
const environment = { PATH: process.env.PATH ?? '' };

async function started(command: string, args: readonly string[]) {
  const transport = new StdioTransport({
    command,
    args,
    env: environment,
    cwd: undefined,
    maxAnswerBytes: 1e6,
  });
  const closed = new Promise<void>(resolve => {
    transport.onclose = resolve;
  });
  const answered = new Promise(resolve => {
    transport.onmessage = resolve;
  });
  await transport.start();
  await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  await answered;
  return { transport, closed, pid: transport.pid ?? 0 };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const inShell = (way: string, detail: string) =>
  started('sh', ['-c', `'${process.execPath}' '${script}' ${way} ${detail}; true`]);

describe.concurrent('closing leaves no process behind:', () => {
  test.each([
    ['a command that ends with its input', 'none', ''],
    ['one that must be asked to end', 'stubborn', ''],
    ['one that must be made to', 'stubborn', 'deaf'],
    ['one whose child holds its pipes', 'parent', ''],
    ['one whose child holds its pipes and must be made to end', 'parent', 'deaf'],
  ])('%s, as it is and behind a shell', async (_what, way, detail) => {
    const all = [await started(process.execPath, [script, way, detail]), await inShell(way, detail)];
    await Promise.all(all.map(({ transport }) => transport.close()));
    for (const { transport, pid, closed } of all) {
      await closed;
      const child = Number(/child=(\d+)/.exec(transport.stderr)?.[1] ?? pid);
      await vi.waitUntil(() => !isRunning(pid), { timeout: 20_000 });
      await vi.waitUntil(() => !isRunning(child), { timeout: 20_000 });
      expect(transport.ending).toBeDefined();
    }
  });

  test('a process that was never there', async () => {
    const transport = new StdioTransport({
      command: 'no-such-command-anywhere',
      args: [],
      env: environment,
      cwd: undefined,
      maxAnswerBytes: 1e6,
    });
    await expect(transport.start()).rejects.toMatchObject({ code: 'ENOENT' });
    await transport.close();
  });
});

test('the end of a process is told with its signal', async () => {
  const { transport, closed, pid } = await started(process.execPath, [script, 'none']);
  process.kill(pid, 'SIGKILL');
  await closed;
  expect(transport.ending).toBe('was ended by the signal SIGKILL');
  await expect(transport.send({ jsonrpc: '2.0', id: 2, method: 'ping' })).rejects.toThrow('Not connected');
});
