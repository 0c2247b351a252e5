import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { openEngine } from '../../../src/engine/open-engine.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { newTask } from '../scripted.js';

for (const name of SERVICE_NAMES) {
  describeWith(name, `opening an engine on ${name}`, service => {
    const keyPrefix = `test_${randomBytes(6).toString('hex')}:`;

    test('waits for a server that is about to start', async () => {
      await service().kill();
      const opening = openEngine(service().url, { keyPrefix });
      await service().start();
      const engine = await opening;
      expect(await engine.submit(newTask())).toMatchObject({ created: true });
      await engine.close();
    });

    test('works for many processes at once, on a server that no one has used before', async () => {
      const engines = await Promise.all(
        Array.from({ length: 5 }, () => openEngine(service().url, { keyPrefix: 'another:' })),
      );
      await Promise.all(engines.map(engine => engine.close()));
    });
  });
}

describeWith('PostgreSQL', 'opening an engine whose tables are up to date', service => {
  test('waits for nobody who reads them: it changes nothing', async () => {
    const open = () => openEngine(service().url, { keyPrefix: 'reads:' });
    await (await open()).close();
    const client = new pg.Client({ connectionString: service().url });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT version FROM bullmq.migration');
    try {
      await (await open()).close();
    } finally {
      await client.query('ROLLBACK');
      await client.end();
    }
  });
});
