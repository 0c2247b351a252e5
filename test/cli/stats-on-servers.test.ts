import { afterEach, beforeEach, expect, it } from 'vitest';
import { BIN, initiate, newWorkplace, type Workplace } from './command.js';
import { describeOnServers } from './shared-stores.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

describeOnServers('mcp-await stats', storeFlags => {
  it('reads the store that the flags name, of the installation that they name', async () => {
    const flags = storeFlags(place);
    const done = await place.run([
      ...initiate('sleep', { seconds: 0 }),
      '--',
      process.execPath,
      BIN,
      'serve',
      ...flags,
    ]);
    expect(done).toMatchObject({ code: 0, stdout: '{"slept_seconds":0}\n' });
    const { stdout } = await place.run(['stats', '--json', ...flags]);
    expect(JSON.parse(stdout).operations).toMatchObject([{ operation: 'sleep', completed: 1 }]);
    const other = await place.run(['stats', ...flags, '--key-prefix', 'other:']);
    expect(other).toMatchObject({ code: 0, stdout: '', stderr: 'The store holds no tasks.\n' });
  });
});
