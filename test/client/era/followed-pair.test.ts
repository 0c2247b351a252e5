import { expect, onTestFinished, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { sleep } from '../../../src/server/operations/sleep.js';
import { startServer } from '../../../src/server/start-server.js';

test('a task of a pair that is not held is told of by the subscription of the newer generation', async () => {
  const server = await startServer({ operations: [sleep()], store: 'memory:', http: { port: 0 } });
  onTestFinished(() => server.close());
  const client = await AwaitClient.connect(server.url ?? '', {
    longPollMs: 0,
    inlineWaitMs: 0,
    pacing: 'backoff',
    onEvent: event => event.type === 'status-requested' && attempts.push(event.attempt),
  });
  onTestFinished(() => client.close());
  const attempts: number[] = [];
  const told: string[] = [];
  const { transport } = client;
  const deliver = transport?.onmessage;
  if (transport === undefined || deliver === undefined) throw new Error('The client is not connected.');
  transport.onmessage = (message, extra) => {
    if ('method' in message && message.method === 'notifications/tasks')
      told.push(String(message.params?.status));
    deliver(message, extra);
  };
  const task = await client.startTool({ name: 'sleep', arguments: { seconds: 2.5 } });
  const result = await task.result();
  expect(result.structuredContent).toEqual({ slept_seconds: 2.5 });
  expect(task.reference?.protocol).toBe('tool-pair');
  expect(told.at(-1)).toBe('completed');
  // After 1 and 2 s as the server hints, and as the end is told; the next hint was for 4 s.
  expect(attempts).toEqual([0, 1, 2]);
  expect(task.snapshot.elapsedMs).toBeLessThan(3900);
});
