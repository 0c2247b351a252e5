import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initiate, newWorkplace, type Workplace } from './command.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

describe('mcp-await stats', () => {
  it('tells by operation how the tasks of the store stand', async () => {
    const server = await place.serveHere('--offer-sleep');
    await place.run([...initiate('sleep', { seconds: 0 }), ...server]);
    await place.run([...initiate('hash_tree', { path: 'no-such-file' }), ...server]);
    const { code, stdout } = await place.run(['stats']);
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split(/ {2,}/));
    expect(rows[0]).toEqual([
      'operation',
      'waiting',
      'running',
      'asking',
      'completed',
      'failed',
      'cancelled',
      'mean',
      'p95',
      'failing',
      'oldest waiting',
    ]);
    expect(rows[1]?.slice(0, 7)).toEqual(['hash_tree', '0', '0', '0', '0', '1', '0']);
    expect(rows[1]?.[9]).toBe('100 %');
    expect(rows[2]?.slice(0, 7)).toEqual(['sleep', '0', '0', '0', '1', '0', '0']);
    expect(rows[2]?.[9]).toBe('0 %');
  });

  it('prints one object with --json, over the window that it is given', async () => {
    const server = await place.serveHere('--offer-sleep');
    await place.run([...initiate('sleep', { seconds: 0 }), ...server]);
    const { stdout } = await place.run(['stats', '--json', '--window', '5m']);
    expect(JSON.parse(stdout)).toMatchObject({
      windowMs: 300_000,
      operations: [{ operation: 'sleep', completed: 1, recent: { completed: 1, failed: 0, failureRate: 0 } }],
    });
  });

  it('says of an empty store that it is empty, and of a wrong one what is wrong', async () => {
    expect(await place.run(['stats'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'The store holds no tasks.\n',
    });
    expect(await place.run(['stats', '--store', 'nowhere'])).toMatchObject({ code: 2, stdout: '' });
    expect(await place.run(['stats', '--window', 'long'])).toMatchObject({ code: 2, stdout: '' });
  });
});
