import { expect, test } from 'vitest';
import { MEMORY, openDatabase } from '../../../src/engine/sqlite/database.js';
import { prepareTaskStatements } from '../../../src/engine/sqlite/task-statements.js';
import type { Database } from '../../../src/storage/driver.js';

/** How SQLite will go about each statement, by the statement. */
function plans(): ReadonlyMap<string, string> {
  const database = openDatabase(MEMORY);
  const found = new Map<string, string>();
  const noting: Database = {
    open: true,
    inTransaction: false,
    exec: sql => database.exec(sql),
    close: () => {},
    prepare(sql) {
      const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all({}) as { readonly detail: string }[];
      found.set(sql.replace(/\s+/g, ' ').trim(), rows.map(({ detail }) => detail).join('\n'));
      return database.prepare(sql);
    },
  };
  prepareTaskStatements(noting);
  database.close();
  return found;
}

// Otherwise each claim and each submit would read all that waits.
test('what waits is walked in its order, and neither read as a whole nor sorted', () => {
  const queue = [...plans()].filter(
    ([sql]) => /due_at|MIN\(turn\)/.test(sql) && !/^UPDATE tasks SET status = 'pending'/.test(sql),
  );
  expect(queue.map(([sql]) => sql.slice(0, 12))).toEqual([
    'INSERT INTO ',
    'SELECT place',
    'SELECT due_a',
    'UPDATE tasks',
  ]);
  for (const [, plan] of queue) {
    expect(plan).not.toContain('tasks_listed');
    // The one sort is of the two candidates.
    expect((plan.match(/TEMP B-TREE/g) ?? []).length).toBeLessThanOrEqual(1);
  }
});
