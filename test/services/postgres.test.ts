import pg from 'pg';
import { expect, it } from 'vitest';
import { sleep } from '../../src/time/sleep.js';
import { describeWith } from './index.js';

describeWith('PostgreSQL', 'a PostgreSQL that is killed', service => {
  it('starts again as soon as the processes that it has forked are gone', async () => {
    const client = new pg.Client({ connectionString: service().url });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    process.kill(rows[0].pid, 'SIGSTOP');
    await service().kill();
    const started = service().start();
    await sleep(500);
    process.kill(rows[0].pid, 'SIGCONT');
    await client.end();
    await expect(started).resolves.toBeUndefined();
  });
});
