import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { describeWith } from '../../services/index.js';
import { newTask, OPERATION } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

describeWith('PostgreSQL', 'what waits for the disk of PostgreSQL', service => {
  test('is a message and every change of a task, but not that a message is taken or removed', async () => {
    const query = vi.spyOn(pg.Client.prototype, 'query');
    const store = new BullmqStore('PostgreSQL', service().url);
    const client = new pg.Client({ connectionString: service().url, options: '-c search_path=bullmq' });
    await client.connect();
    onTestFinished(async () => {
      query.mockRestore();
      await client.end();
      await store.close();
    });
    const { engine } = await store.open();
    const execute = async () => ({ status: 'completed', result: null }) as const;
    const worker = engine.startWorker({ operations: [OPERATION], concurrency: 3, execute });
    for (const idempotencyKey of [undefined, 'a', undefined]) {
      const { record } = await engine.submit(newTask({ idempotencyKey }));
      await engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
    }
    await worker.drain(1000);
    const sent: unknown[][] = query.mock.calls.filter(([, values]) => Array.isArray(values));

    /** What the transaction of the first such statement says of its commit. */
    async function commitOf(name: RegExp, has = ''): Promise<unknown> {
      const found = sent.find(([text, values]) => name.test(String(text)) && String(values).includes(has));
      expect(found, String(name)).toBeDefined();
      await client.query('BEGIN');
      await client.query(String(found?.[0]), found?.[1] as unknown[]);
      const { rows } = await client.query("SELECT current_setting('synchronous_commit') AS value");
      await client.query('ROLLBACK');
      return rows[0]?.value;
    }

    expect(await commitOf(/move_to_active\(/)).toBe('off');
    // The message that follows waits; where the key is another's, none does.
    expect(await commitOf(/INSERT INTO mcp_await_task/, '"key":null')).toBe('off');
    expect(await commitOf(/INSERT INTO mcp_await_task/, '"key":"')).toBe('on');
    expect(await commitOf(/UPDATE mcp_await_task/)).toBe('on');
    expect(await commitOf(/add_job\(/)).toBe('on');
    const moves = sent.map(([text]) => String(text)).filter(text => /\bmove_to_\w+\(/.test(text));
    expect(moves.some(text => text.includes('move_to_completed_fetch('))).toBe(true);
    expect(moves.filter(text => !text.includes("'synchronous_commit', 'off', true"))).toEqual([]);
  });
});
