import { expect, it } from 'vitest';
import { ProxyTask } from '../../src/proxy/proxy-task.js';

const options = { reference: 'r', principal: 'p', tool: 'render', startedAt: 0 };
const completed = { status: 'completed', attempt: 3, elapsedMs: 10, raw: undefined } as const;

it('is told as working until its result is here', async () => {
  const task = new ProxyTask(options);
  task.update(completed);
  expect(task.snapshot).toEqual({ ...completed, status: 'working' });
  await task.run(async () => ({ result: { content: [] } }));
  expect(task.snapshot).toEqual(completed);
});
