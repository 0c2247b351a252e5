import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { linkedResource } from '../../../src/client/waiting/notifications.js';
import { type AwaitFixture, awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { completed, pairTools, startCall, started, working } from '../../fixtures/client/scripted-pair.js';
import type { Reply } from '../../fixtures/client/scripted-server.js';

const POLL = 'resolve_task_status';
const URI = 'job://task-1';
const link = { type: 'resource_link', uri: URI, name: 'The job' } as const;

const linking: Reply = async request => {
  const answer = await started()(request);
  return { ...answer, content: [...answer.content, link] };
};

/** Takes subscriptions, and gives the methods and URIs that it was sent. */
function subscriptions({ server }: AwaitFixture): string[] {
  const seen: string[] = [];
  for (const schema of [SubscribeRequestSchema, UnsubscribeRequestSchema] as const) {
    server.server.setRequestHandler(schema, ({ method, params }) => {
      seen.push(`${method} ${params.uri}`);
      return {};
    });
  }
  return seen;
}

const update = ({ server }: AwaitFixture) => server.server.sendResourceUpdated({ uri: URI });
const capable = { serverCapabilities: { resources: { subscribe: true } } };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a resource that the answer to the start links to', () => {
  test('is followed while the task is awaited, and its updates wake the wait', async () => {
    const fixture = await awaitFixture(pairTools([working, completed], linking), capable);
    const seen = subscriptions(fixture);
    const result = fixture.client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(1500);
    expect(seen).toEqual([`resources/subscribe ${URI}`]);
    await update(fixture);
    await vi.advanceTimersByTimeAsync(0);
    await result;
    expect(fixture.callTimes(POLL)).toEqual([1000, 1500]);
    expect(seen).toEqual([`resources/subscribe ${URI}`, `resources/unsubscribe ${URI}`]);
  });

  test('is subscribed to once by many waits', async () => {
    const fixture = await awaitFixture(pairTools(working, linking), capable);
    const seen = subscriptions(fixture);
    const controller = new AbortController();
    const { signal } = controller;
    const ends = [1, 2, 3].map(() => failureOf(fixture.client.callTool(startCall, undefined, { signal })));
    await vi.advanceTimersByTimeAsync(100);
    controller.abort();
    await Promise.all(ends);
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual([`resources/subscribe ${URI}`, `resources/unsubscribe ${URI}`]);
  });

  test('is left alone where the server takes no subscriptions', async () => {
    const fixture = await awaitFixture(pairTools(completed, linking));
    const result = fixture.client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(1000);
    await result;
    expect(fixture.server.count('resources/subscribe')).toBe(0);
  });

  test('may refuse the subscription: the wait goes on', async () => {
    const fixture = await awaitFixture(pairTools([working, completed], linking), capable);
    const result = fixture.client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(3000);
    expect((await result).structuredContent).toEqual({ answer: 42 });
  });
});

test.each([
  [{ content: [link] }, URI],
  [{ content: [{ type: 'text', text: '' }, link] }, URI],
  [{ content: [link, { ...link, uri: 'job://other' }] }, undefined],
  [{ content: [{ type: 'resource_link' }] }, undefined],
  [{ content: 'none' }, undefined],
  [undefined, undefined],
])('the resource of %j is %s', (answer, uri) => {
  expect(linkedResource(answer)).toBe(uri);
});
