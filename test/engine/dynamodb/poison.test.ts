import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newWorkplace, type Workplace } from '../../cli/command.js';
import { connectHttp } from '../../fixtures/server/connected-http.js';
import { describeWithAws } from '../../services/index.js';
import { eventually } from '../scripted.js';
import { newTestStore } from './test-store.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

describeWithAws('a task on DynamoDB that kills each of its workers', aws => {
  test('fails after its last run, lies in the dead-letter queue, and kills no further worker', async () => {
    const { url, buried } = await newTestStore(aws());
    const operations = 'test/fixtures/server/poison-operations.js';
    const flags = ['--operations', operations, '--lease', '3s', '--store', url];
    const front = place.start(['serve', '--http', '--port', '0', '--no-worker', '--offer-sleep', ...flags]);
    const caller = await connectHttp((await front.says(/Listening on (\S+)/))[1] ?? '');
    const file = join(place.home, 'killed.txt');
    const poison = (await caller.initiate('poison', { file })).data.task_ref;
    const workers = ['first', 'second'].map(() => place.start(['worker', ...flags]));
    for (const { finished } of workers) expect((await finished).code).toBeNull();
    const { data } = await caller.resolve(poison, 20);
    expect(data).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' } });
    expect(await eventually(async () => (await buried()).at(0))).toBe(poison);
    const third = place.start(['worker', ...flags]);
    await third.says(/Working on .*\n/);
    const harmless = (await caller.initiate('sleep', { seconds: 3 })).data.task_ref;
    expect((await caller.resolve(harmless, 20)).data.status).toBe('completed');
    const killed = (await readFile(file, 'utf8')).trim().split('\n');
    expect(killed.sort()).toEqual(workers.map(({ process }) => String(process.pid)).sort());
  });
});
