import { expect, onTestFinished, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { sleepOperation } from '../../../src/server/operations/sleep.js';
import { startServer } from '../../../src/server/start-server.js';

test('tasks of a pair that find no place to be held are told of by the subscription of the newer generation', async () => {
  const server = await startServer({ operations: [sleepOperation()], store: 'memory:', http: { port: 0 } });
  onTestFinished(() => server.close());
  const client = await AwaitClient.connect(server.url ?? '', { inlineWaitMs: 0 });
  onTestFinished(() => client.close());
  const told = new Set<unknown>();
  const { transport } = client;
  const deliver = transport?.onmessage;
  if (transport === undefined || deliver === undefined) throw new Error('The client is not connected.');
  transport.onmessage = (message, extra) => {
    if (
      'method' in message &&
      message.method === 'notifications/tasks' &&
      message.params?.status === 'completed'
    )
      told.add(message.params.taskId);
    deliver(message, extra);
  };
  const call = { name: 'sleep', arguments: { seconds: 2.5 } };
  const tasks = await Promise.all(Array.from({ length: 40 }, () => client.startTool(call)));
  const results = await Promise.all(tasks.map(task => task.result()));
  expect(results.map(result => result.structuredContent)).toEqual(Array(40).fill({ slept_seconds: 2.5 }));
  expect(tasks.map(task => task.reference?.protocol)).toEqual(Array(40).fill('tool-pair'));
  expect(told.size).toBeGreaterThan(0);
});
