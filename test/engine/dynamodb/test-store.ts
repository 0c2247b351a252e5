import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { onTestFinished } from 'vitest';
import { isAwsAway } from '../../../src/engine/dynamodb/aws-failure.js';
import { DynamodbEngine } from '../../../src/engine/dynamodb/dynamodb-engine.js';
import { DynamodbTable } from '../../../src/engine/dynamodb/dynamodb-table.js';
import { type EngineTimes, engineTimes } from '../../../src/engine/dynamodb/engine-options.js';
import { deadLetterQueueName } from '../../../src/engine/dynamodb/table.js';
import { TaskKeys } from '../../../src/engine/dynamodb/task-item.js';
import { TaskQueue } from '../../../src/engine/dynamodb/task-queue.js';
import { TaskStore } from '../../../src/engine/dynamodb/task-store.js';
import type { Engine, EngineOptions } from '../../../src/engine/engine.js';
import { DEFAULT_KEY_PREFIX } from '../../../src/engine/engine-defaults.js';
import { openEngine } from '../../../src/engine/open-engine.js';
import { StoreCalls } from '../../../src/engine/store-calls.js';
import type { AwsEndpoints, AwsServices } from '../../services/aws.js';
import { HOUR_MS } from '../scripted.js';
import { createStore } from './create-store.js';

/** Short enough for a test, long enough for a busy machine. */
export const LEASE_MS = 6000;

/** A store of its own on the emulators, or on what is between them and the test. */
export async function newTestStore(aws: AwsServices, endpoints: AwsEndpoints = {}) {
  const label = await createStore(aws);
  const client = new DynamoDBClient({ endpoint: endpoints.dynamodb ?? aws.dynamodb.url });
  const queues = new SQSClient({ endpoint: endpoints.sqs ?? aws.sqs.url, useQueueUrlAsEndpoint: false });
  onTestFinished(() => {
    client.destroy();
    queues.destroy();
  });
  const keys = new TaskKeys(DEFAULT_KEY_PREFIX);
  const calls = new StoreCalls({ label, isConnectionError: isAwsAway });
  const table = new DynamodbTable(client, calls, label);
  const urlOf = async (name: string) =>
    (await queues.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl ?? '';
  const queue = new TaskQueue({
    client: queues,
    calls,
    keys,
    url: await urlOf(label),
    deadLetterUrl: await urlOf(deadLetterQueueName(label)),
  });
  const closedAtEnd = <Opened extends Engine>(engine: Opened) => {
    onTestFinished(() => engine.close());
    return engine;
  };
  const url = aws.storeUrl(label, endpoints);
  return {
    url,
    keys,
    table,
    tasks: new TaskStore({ table, keys, instance: 'a worker that is gone', onLost: () => {} }),
    async open(options: EngineOptions = {}) {
      return closedAtEnd(await openEngine(url, { leaseMs: LEASE_MS, ...options }));
    },
    /** An engine with times that are no options. */
    async openWith(times: Partial<EngineTimes>) {
      const engine = new DynamodbEngine({
        table,
        keys,
        queue,
        label,
        times: { ...engineTimes(LEASE_MS), ...times },
        maxResultBytes: 1_000_000,
        retentionMs: HOUR_MS,
        onLost: () => {},
        onNotice: () => {},
        disconnect: () => {},
      });
      await engine.start();
      return closedAtEnd(engine);
    },
    async send(taskRef: string) {
      const command = { QueueUrl: await urlOf(label), MessageBody: keys.address(taskRef) };
      await queues.send(new SendMessageCommand(command));
    },
    /** The tasks that one look at the dead-letter queue finds. */
    async buried() {
      const QueueUrl = await urlOf(deadLetterQueueName(label));
      const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl }));
      return Messages.map(({ Body = '' }) => keys.taskRefOf(Body));
    },
  };
}
