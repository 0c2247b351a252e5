import { GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { ConfigurationError } from '../../errors.js';
import type { Engine, EngineOptions } from '../engine.js';
import { checkedKeyPrefix, DEFAULT_LEASE_MS } from '../engine-defaults.js';
import { StoreCalls } from '../store-calls.js';
import type { DynamodbLocation } from '../store-url.js';
import { openAwsClients } from './aws-clients.js';
import { awsAdvice, awsOpenFailure, isAwsAway } from './aws-failure.js';
import { DynamodbEngine } from './dynamodb-engine.js';
import { DynamodbTable } from './dynamodb-table.js';
import { engineTimes } from './engine-options.js';
import { TABLE_DEFINITION } from './table.js';
import { TaskKeys } from './task-item.js';
import { TaskQueue } from './task-queue.js';

/** What takes longer than this is made again; a wait for messages has a limit of its own. */
const REQUEST = { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true };

/**
 * @throws ConfigurationError when AWS refuses, or the table or queue is missing; StoreFailure when AWS cannot be reached
 */
export async function openDynamodbEngine(
  location: DynamodbLocation,
  options: EngineOptions,
): Promise<Engine> {
  const { table: name, queue, label } = location;
  const keys = new TaskKeys(checkedKeyPrefix(options.keyPrefix));
  const clients = openAwsClients(location, REQUEST);
  const { dynamodb, sqs } = clients;
  const calls = new StoreCalls({ label, isConnectionError: isAwsAway, advice: awsAdvice });
  const disconnect = () => clients[Symbol.dispose]();
  try {
    const table = new DynamodbTable(dynamodb, calls, name);
    assertIndexes(name, await table.indexes());
    const url = /^https?:/.test(queue) ? queue : await urlOf(sqs, queue);
    const deadLetterUrl = await deadLetterOf(sqs, url);
    const engine = new DynamodbEngine({
      ...options,
      table,
      keys,
      queue: new TaskQueue({ client: sqs, calls, keys, url, deadLetterUrl }),
      label,
      times: engineTimes(options.leaseMs ?? DEFAULT_LEASE_MS),
      disconnect,
    });
    await engine.start();
    if (deadLetterUrl === undefined)
      options.onNotice?.({
        level: 'warn',
        message: 'The queue has no dead-letter queue: tasks that end their workers are only failed',
        fields: { store: label },
      });
    return engine;
  } catch (error) {
    disconnect();
    throw awsOpenFailure(error, { ...location, region: await dynamodb.config.region().catch(() => '') });
  }
}

function assertIndexes(table: string, found: readonly string[]): void {
  const missing = TABLE_DEFINITION.GlobalSecondaryIndexes.find(({ IndexName }) => !found.includes(IndexName));
  if (missing === undefined) return;
  throw new ConfigurationError(
    `The table \`${table}\` has no index \`${missing.IndexName}\`. Run \`mcp-await store create\` with another table.`,
  );
}

async function urlOf(client: SQSClient, name: string): Promise<string> {
  const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
  return QueueUrl;
}

/** The queue that the redrive policy names; undefined where there is none. */
async function deadLetterOf(client: SQSClient, QueueUrl: string): Promise<string | undefined> {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
  );
  const { deadLetterTargetArn = '' } = JSON.parse(Attributes.RedrivePolicy ?? '{}');
  const name = String(deadLetterTargetArn).split(':').at(-1) ?? '';
  return name === '' ? undefined : urlOf(client, name);
}
