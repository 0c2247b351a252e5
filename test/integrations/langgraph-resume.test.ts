import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ROOT } from '../cli/command.js';
import { agentServer } from '../fixtures/integrations/agent-server.js';

interface GraphProcess {
  readonly process: ChildProcess;
  printed(): string;
}

function startGraph(url: string, home: string): GraphProcess {
  const script = join(ROOT, 'test/fixtures/integrations/langgraph-process.js');
  const child = spawn(process.execPath, [script, url, join(home, 'checkpoints.json')], {
    env: { ...process.env, MCP_AWAIT_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', chunk => {
    printed += chunk;
  });
  return { process: child, printed: () => printed };
}

it('a graph that is killed while three tools wait finds their running tasks again, and starts no other', async () => {
  const { url, simmered, serve } = await agentServer();
  const home = await mkdtemp(join(tmpdir(), 'mcp-await-graph-'));
  onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const first = startGraph(url, home);
  const waiting = ['leek', 'onion', 'pea'].map(of => `call-${of} 1`);
  await vi.waitFor(() => expect(first.printed().split('\n')).toEqual(expect.arrayContaining(waiting)), {
    timeout: 25_000,
  });
  first.process.kill('SIGKILL');
  await once(first.process, 'close');

  const second = startGraph(url, home);
  await vi.waitFor(() => expect(second.printed()).toContain('asks\n'), { timeout: 25_000 });
  serve();
  await once(second.process, 'close');
  expect(second.printed()).toContain('answer It says leek soup, onion soup, pea soup');
  expect(simmered).toHaveLength(3);
});
