import type { JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Subscriptions } from '../../../src/client/revision-2026-07-28/subscriptions.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function opened() {
  const sent: JSONRPCRequest[] = [];
  const subscriptions = new Subscriptions({
    toolsListChanged: false,
    send: async request => void sent.push(request),
    drop() {},
  });
  const idsOf = (index: number) => {
    const notifications = sent.at(index)?.params?.notifications as { taskIds?: string[] } | undefined;
    const taskIds = notifications?.taskIds ?? [];
    return [taskIds.length, taskIds[0], taskIds.at(-1)];
  };
  return { subscriptions, sent, idsOf };
}

test('more tasks than one stream takes are told of by the next, once the first are over', async () => {
  const { subscriptions, sent, idsOf } = opened();
  for (let index = 0; index < 1500; index++) subscriptions.task(`t${index}`, true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).toHaveLength(1);
  expect(idsOf(0)).toEqual([1000, 't0', 't999']);
  for (let index = 0; index < 1000; index++) subscriptions.task(`t${index}`, false);
  subscriptions.ended(sent[0]?.id ?? '');
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).toHaveLength(2);
  expect(idsOf(1)).toEqual([500, 't1000', 't1499']);
  subscriptions.close();
});

test('a task beyond those of the stream opens none anew', async () => {
  const { subscriptions, sent } = opened();
  for (let index = 0; index < 1000; index++) subscriptions.task(`t${index}`, true);
  await vi.advanceTimersByTimeAsync(1000);
  subscriptions.task('late', true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(1);
  subscriptions.close();
});
