import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { initiate, newWorkplace, ODD_SERVER, type Workplace } from './command.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

it.runIf(process.platform === 'linux')(
  'run says plainly that the bundled server is gone, starts it again, and prints the result',
  async () => {
    const call = ['--args', '{"operation_type":"sleep","parameters":{"seconds":4}}'];
    const running = place.start(['run', 'initiate_background_task', ...call]);
    await running.says(/initiate_background_task: working/);
    const [relay] = childrenOf(running.process.pid as number);
    process.kill(relay as number, 'SIGKILL');
    await running.says(/reconnecting… \(The server `\S+` was ended by the signal SIGKILL\)/);
    const { code, stdout, stderr } = await running.finished;
    expect(stderr).toMatch(/connected again after/);
    expect(JSON.parse(stdout)).toEqual({ slept_seconds: 4 });
    expect(code).toBe(0);
  },
);

it('run starts a server that dies again and again for half a minute, and then leaves the reference', async () => {
  const finished = await place.run([...initiate('dies'), '--', process.execPath, ODD_SERVER]);
  expect(finished.stderr).toMatch(/Contact with the server was lost[\s\S]*mcp-await wait [0-9a-f]{6}\n/);
  expect(finished).toMatchObject({ code: 5, stdout: '' });
});
