import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { ConfigurationError } from '../../errors.js';
import { sleep } from '../../time/sleep.js';
import { StoreFailure } from '../store-failure.js';
import type { DynamodbLocation } from '../store-url.js';
import { openAwsClients } from './aws-clients.js';
import { awsOpenFailure } from './aws-failure.js';
import {
  DEAD_LETTER_QUEUE_ATTRIBUTES,
  deadLetterQueueName,
  MAX_RECEIVE_COUNT,
  QUEUE_ATTRIBUTES,
  queueNameOf,
  TABLE_DEFINITION,
  TTL_ATTRIBUTE,
} from './table.js';

const LOOK_AGAIN_MS = 1000;
const MAX_LOOKS = 300;

/** One part of a store, and whether this call has made it. */
export interface StorePart {
  readonly name: string;
  readonly isNew: boolean;
}

/**
 * Makes the table, its indexes, its time to live and the queues of a store, and leaves those alone that there are.
 * @throws ConfigurationError when AWS refuses, or a table of the name is another one; StoreFailure when AWS is away
 */
export async function createDynamodbStore(location: DynamodbLocation): Promise<readonly StorePart[]> {
  using clients = openAwsClients(location);
  const { dynamodb: client, sqs: queues } = clients;
  try {
    return [
      ...(await createQueues(queues, queueNameOf(location.queue))),
      await createTable(client, location.table),
      await createTimeToLive(client, location.table),
    ];
  } catch (error) {
    throw awsOpenFailure(
      error,
      { ...location, region: await client.config.region().catch(() => '') },
      'made',
    );
  }
}

async function createQueues(queues: SQSClient, name: string): Promise<StorePart[]> {
  const deadName = deadLetterQueueName(name);
  const dead = await createQueue(queues, deadName, DEAD_LETTER_QUEUE_ATTRIBUTES);
  const attributesOf = async (QueueUrl: string, attribute: 'QueueArn' | 'RedrivePolicy') =>
    (await queues.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [attribute] })))
      .Attributes?.[attribute];
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: await attributesOf(dead.url, 'QueueArn'),
    maxReceiveCount: MAX_RECEIVE_COUNT,
  });
  const queue = await createQueue(queues, name, { ...QUEUE_ATTRIBUTES, RedrivePolicy });
  // A queue of somebody else's making may have no dead-letter queue.
  const isRedriven = queue.isNew || (await attributesOf(queue.url, 'RedrivePolicy')) !== undefined;
  if (!isRedriven)
    await queues.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes: { RedrivePolicy } }));
  return [
    { name: `queue ${deadName}`, isNew: dead.isNew },
    { name: `queue ${name}`, isNew: queue.isNew },
    { name: `redrive policy of ${name}`, isNew: queue.isNew || !isRedriven },
  ];
}

async function createQueue(
  queues: SQSClient,
  QueueName: string,
  attributes: Readonly<Record<string, string>>,
) {
  const found = await queues.send(new GetQueueUrlCommand({ QueueName })).catch(error => {
    if (error instanceof QueueDoesNotExist) return undefined;
    throw error;
  });
  if (found?.QueueUrl !== undefined) return { url: found.QueueUrl, isNew: false };
  const made = await queues.send(new CreateQueueCommand({ QueueName, Attributes: { ...attributes } }));
  return { url: made.QueueUrl ?? '', isNew: true };
}

async function createTable(client: DynamoDBClient, TableName: string): Promise<StorePart> {
  const before = await describe(client, TableName);
  if (before === undefined) {
    // The SDK changes nothing of what it is given, but its types do not say so.
    const definition = structuredClone(TABLE_DEFINITION) as unknown as CreateTableCommandInput;
    await client.send(new CreateTableCommand({ ...definition, TableName })).catch(error => {
      // Another process was faster.
      if (error.name !== 'ResourceInUseException') throw error;
    });
  }
  await untilActive(client, TableName);
  return { name: `table ${TableName}`, isNew: before === undefined };
}

async function untilActive(client: DynamoDBClient, name: string): Promise<void> {
  for (let look = 0; look < MAX_LOOKS; look++) {
    const table = await describe(client, name);
    const { TableStatus, GlobalSecondaryIndexes = [] } = table ?? {};
    const states = [TableStatus, ...GlobalSecondaryIndexes.map(({ IndexStatus }) => IndexStatus)];
    if (table !== undefined && states.every(state => state === 'ACTIVE' || state === 'UPDATING'))
      return requireSame(table, name);
    await sleep(LOOK_AGAIN_MS);
  }
  throw new StoreFailure(
    `The table ${name} did not become ACTIVE. Look at it in the AWS console, then run this again.`,
  );
}

function requireSame(table: TableDescription, name: string): void {
  const keysOf = (keys: readonly { readonly AttributeName?: string | undefined }[] = []) =>
    keys.map(({ AttributeName }) => AttributeName).join('/');
  const found = new Map(
    (table.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema }) => [IndexName, keysOf(KeySchema)]),
  );
  const missing = TABLE_DEFINITION.GlobalSecondaryIndexes.find(
    ({ IndexName, KeySchema }) => found.get(IndexName) !== keysOf(KeySchema),
  );
  if (keysOf(table.KeySchema) === keysOf(TABLE_DEFINITION.KeySchema) && missing === undefined) return;
  const what =
    missing === undefined ? 'other keys' : `no index \`${missing.IndexName}\` with the keys of a store`;
  throw new ConfigurationError(
    `There is a table ${name} with ${what}: it is no store. Nothing of it was changed. Name another table.`,
  );
}

async function describe(client: DynamoDBClient, TableName: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function createTimeToLive(client: DynamoDBClient, TableName: string): Promise<StorePart> {
  const name = `time to live by ${TTL_ATTRIBUTE}`;
  if (await hasTimeToLive(client, TableName)) return { name, isNew: false };
  const TimeToLiveSpecification = { Enabled: true, AttributeName: TTL_ATTRIBUTE };
  try {
    await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    return { name, isNew: true };
  } catch (error) {
    // Another process was faster.
    if (await hasTimeToLive(client, TableName)) return { name, isNew: false };
    throw error;
  }
}

/** @throws ConfigurationError when it is by another attribute */
async function hasTimeToLive(client: DynamoDBClient, TableName: string): Promise<boolean> {
  const { TimeToLiveDescription: found } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  if (!found?.TimeToLiveStatus?.startsWith('ENABL')) return false;
  if (found.AttributeName === TTL_ATTRIBUTE) return true;
  throw new ConfigurationError(
    `The table ${TableName} has its time to live by \`${found.AttributeName}\`. Turn that off, then run this again.`,
  );
}
