import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import { newWorkplace, type Workplace } from './command.js';
import { describeOnSharedStores } from './shared-stores.js';

const TALLY = ['--operations', 'test/fixtures/server/tally-operations.js'];
const CALL_COUNT = 200;

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

describeOnSharedStores('an idempotency key', storeFlags => {
  const flags = () => [...TALLY, ...storeFlags(place)];

  /** Connected clients, one for each of several fronts: half of them are processes of their own. */
  async function connectFronts(count: number): Promise<AwaitClient[]> {
    const words = ['serve', '--http', '--port', '0', '--no-worker', ...flags()];
    const fronts = Array.from({ length: count }, (_, index) =>
      index % 2 === 0 ? place.start(words) : place.startHere(words),
    );
    const said = await Promise.all(fronts.map(front => front.says(/Listening on (\S+)/)));
    return Promise.all(said.map(match => AwaitClient.connect(match[1] ?? '')));
  }

  it('makes 200 calls at once over four fronts, and as many over two others after these, one task that runs once', async () => {
    const file = join(place.home, 'tally.txt');
    const call = {
      name: 'initiate_background_task',
      arguments: { operation_type: 'tally', parameters: { file, line: 'ran' }, idempotency_key: 'once' },
    };
    const references = new Set<unknown>();
    const initiateOn = async (frontCount: number) => {
      const clients = await connectFronts(frontCount);
      const calls = clients.flatMap(client =>
        Array.from({ length: CALL_COUNT / frontCount }, () => client.sdkClient.callTool(call)),
      );
      for (const answer of await Promise.all(calls)) {
        references.add((answer.structuredContent as { task_ref?: string }).task_ref);
      }
      return clients;
    };

    const early = await initiateOn(4);
    await Promise.all(early.map(client => client.close()));
    await place.stop();
    place.startHere(['worker', ...flags()]);
    const late = await initiateOn(2);
    const results = await Promise.all(late.map(client => client.callTool(call)));
    await Promise.all(late.map(client => client.close()));

    expect([...references]).toEqual([expect.stringMatching(/^task_\w+_[0-9a-f]{32}$/)]);
    for (const result of results) expect(result.structuredContent).toEqual({ line: 'ran' });
    expect(await readFile(file, 'utf8')).toBe('ran\n');
  });
});
