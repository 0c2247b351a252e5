import { PostgresConnection } from 'bullmq';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PostgresEnds } from '../../../src/engine/bullmq/postgres-ends.js';
import { describeWith } from '../../services/index.js';
import { eventually } from '../scripted.js';

const deaf = { onChange: () => {}, hearsChanges: () => false };

const PUBLISH = `SELECT publish_event($1, $2, jsonb_build_object('jobId', $3::text)) AS id`;

describeWith('PostgreSQL', 'the ends of tasks on PostgreSQL', service => {
  async function openConnection() {
    const connection = new PostgresConnection({ connectionString: service().url, migrate: true });
    await connection.waitUntilReady();
    onTestFinished(() => connection.close());
    return connection;
  }

  async function publish(connection: PostgresConnection, event: string, taskRef: string): Promise<string> {
    return String((await connection.pool.query(PUBLISH, ['queue', event, taskRef])).rows[0]?.id);
  }

  test('are told at once, each of them and nothing else', async () => {
    const connection = await openConnection();
    const since = await publish(connection, 'completed', 'before');
    const told: string[] = [];
    const ends = new PostgresEnds(connection, {
      ...deaf,
      queue: 'queue',
      since,
      onEnd: ref => told.push(ref),
    });
    for (const event of ['completed', 'progress', 'failed', 'waiting', 'ended']) {
      await publish(connection, event, event);
    }
    await eventually(() => told.includes('ended'), 1000);
    expect(told.filter(taskRef => taskRef !== 'before')).toEqual(['completed', 'failed', 'ended']);
    await ends.close();
  });

  test('are told apart from other changes, which are told while somebody wants to hear them', async () => {
    const connection = await openConnection();
    const since = await publish(connection, 'listening', '');
    const [ended, changed]: string[][] = [[], []];
    let isHearing = false;
    const ends = new PostgresEnds(connection, {
      queue: 'queue',
      since,
      onEnd: ref => ended?.push(ref),
      onChange: ref => changed?.push(ref),
      hearsChanges: () => isHearing,
    });
    await publish(connection, 'progress', 'unheard');
    await publish(connection, 'completed', 'first');
    await eventually(() => ended?.includes('first'), 1000);
    expect(changed).toEqual([]);
    isHearing = true;
    for (const event of ['active', 'progress', 'added', 'waiting', 'changed', 'failed']) {
      await publish(connection, event, event);
    }
    await eventually(() => ended?.includes('failed'), 1000);
    expect(ended).toEqual(['first', 'failed']);
    expect(changed?.filter(ref => ref !== 'unheard')).toEqual(['active', 'progress', 'waiting', 'changed']);
    await ends.close();
  });

  test('are told also where a transaction commits after later ones', async () => {
    const connection = await openConnection();
    const since = await publish(connection, 'listening', '');
    const told: string[] = [];
    const ends = new PostgresEnds(connection, {
      ...deaf,
      queue: 'queue',
      since,
      onEnd: ref => told.push(ref),
    });
    const slow = await connection.pool.connect();
    await slow.query('BEGIN');
    await slow.query(PUBLISH, ['queue', 'completed', 'slow']);
    await publish(connection, 'completed', 'quick');
    await eventually(() => told.includes('quick'), 1000);
    await slow.query('COMMIT');
    slow.release();
    await eventually(() => told.includes('slow'), 1000);
    await ends.close();
  });

  test('of several queues are listened for with one statement, which is sent again after a failure', async () => {
    const connection = await openConnection();
    const since = await publish(connection, 'listening', '');
    const query = vi.spyOn(await connection.getListenClient(), 'query');
    query.mockRejectedValueOnce(new Error('Query read timeout'));
    const told: string[] = [];
    const all = Array.from(
      { length: 5 },
      () => new PostgresEnds(connection, { ...deaf, queue: 'queue', since, onEnd: ref => told.push(ref) }),
    );
    await publish(connection, 'completed', 'several');
    await eventually(() => told.filter(ref => ref === 'several').length === 5, 5000);
    expect(query.mock.calls).toEqual([['LISTEN bullmq_events'], ['LISTEN bullmq_events']]);
    await Promise.all(all.map(ends => ends.close()));
  });
});
