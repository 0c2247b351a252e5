import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDynamodbStore } from '../../../src/engine/dynamodb/create-store.js';
import { TABLE_DEFINITION } from '../../../src/engine/dynamodb/table.js';
import { type DynamodbLocation, parseStoreUrl } from '../../../src/engine/store-url.js';
import { BIN } from '../../cli/command.js';
import { faultProxy } from '../../fixtures/faults/fault-proxy.js';
import { refused } from '../../services/aws-faults.js';
import { describeWithAws } from '../../services/index.js';

const locate = (url: string) => parseStoreUrl(url) as DynamodbLocation;

describeWithAws('making a store on DynamoDB', aws => {
  let client: DynamoDBClient;
  let queues: SQSClient;
  beforeAll(() => {
    client = new DynamoDBClient({ endpoint: aws().dynamodb.url });
    queues = new SQSClient({ endpoint: aws().sqs.url, useQueueUrlAsEndpoint: false });
  });
  afterAll(() => {
    client.destroy();
    queues.destroy();
  });
  const command = (...args: string[]) =>
    promisify(execFile)(process.execPath, [BIN, 'store', 'create', ...args]);
  const attributesOf = async (QueueName: string) => {
    const { QueueUrl } = await queues.send(new GetQueueUrlCommand({ QueueName }));
    return (await queues.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })))
      .Attributes;
  };

  test('makes all of it, says so, and makes nothing the second time', async () => {
    const url = aws().storeUrl('whole');
    const first = await command('--store', url);
    expect(first.stdout.match(/ made$/gm)).toHaveLength(5);
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'whole' }));
    expect(Table?.TableStatus).toBe('ACTIVE');
    const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort();
    expect(indexes).toEqual(TABLE_DEFINITION.GlobalSecondaryIndexes.map(({ IndexName }) => IndexName).sort());
    const { TimeToLiveDescription } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: 'whole' }),
    );
    expect(TimeToLiveDescription).toMatchObject({ TimeToLiveStatus: 'ENABLED', AttributeName: 'removeAt' });
    expect(JSON.parse((await attributesOf('whole'))?.RedrivePolicy ?? '{}')).toMatchObject({
      deadLetterTargetArn: (await attributesOf('whole-dead-letter'))?.QueueArn,
    });
    expect((await command('--store', url)).stdout.match(/ was there$/gm)).toHaveLength(5);
  });

  test('is made once by two at the same time', async () => {
    const location = locate(aws().storeUrl('twice'));
    await Promise.all([createDynamodbStore(location), createDynamodbStore(location)]);
    expect((await createDynamodbStore(location)).some(({ isNew }) => isNew)).toBe(false);
  });

  test('gives a queue that is there a dead-letter queue, by no actions but those of the policy', async () => {
    await queues.send(new CreateQueueCommand({ QueueName: 'half' }));
    await using table = await faultProxy(aws().dynamodb.url);
    await using queue = await faultProxy(aws().sqs.url);
    const location = (name: string) =>
      locate(aws().storeUrl(name, { dynamodb: table.origin, sqs: queue.origin }));
    await createDynamodbStore(location('half'));
    await createDynamodbStore(location('fresh'));
    expect((await attributesOf('half'))?.RedrivePolicy).toContain('half-dead-letter');
    const document = await readFile(new URL('../../../docs/production.md', import.meta.url), 'utf8');
    const text = /```json\n(\{[^`]*dynamodb:CreateTable[^`]*)```/.exec(document)?.[1] ?? '{}';
    const allowed = JSON.parse(text).Statement.flatMap(({ Action }: { Action: string[] }) => Action);
    const called = [
      ...table.seen.map(({ what }) => `dynamodb:${what}`),
      ...queue.seen.map(({ what }) => `sqs:${what}`),
    ];
    expect([...new Set(called)].sort()).toEqual(allowed.sort());
  });

  test('refuses a table of the name that is no store', async () => {
    await client.send(
      new CreateTableCommand({
        TableName: 'other',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    await expect(createDynamodbStore(locate(aws().storeUrl('other')))).rejects.toThrow(/it is no store/);
  });

  test('says what to do where AWS refuses or is away', async () => {
    await using queue = await faultProxy(aws().sqs.url);
    queue.decide = () => refused('AccessDeniedException', { message: 'User x is not authorized.' });
    const denied = locate(aws().storeUrl('denied', { sqs: queue.origin }));
    await expect(createDynamodbStore(denied)).rejects.toThrow(
      /cannot be made: User x is not authorized\. Allow what the policy in docs\/production\.md names/,
    );
    const away = locate(aws().storeUrl('away', { sqs: 'http://127.0.0.1:1' }));
    await expect(createDynamodbStore(away)).rejects.toThrow(
      /cannot be made: .* Check its region and endpoints, and the network/,
    );
  });

  test('prints the template of the same, without asking AWS', async () => {
    const { stdout } = await command('--cloudformation', '--store', 'dynamodb://tasks?queue=jobs');
    const { Table, Queue, DeadLetterQueue } = JSON.parse(stdout).Resources;
    expect(Table.Properties).toMatchObject({ TableName: 'tasks', ...TABLE_DEFINITION });
    const named = [Queue, DeadLetterQueue].map(({ Properties }) => Properties.QueueName);
    expect(named).toEqual(['jobs', 'jobs-dead-letter']);
    await expect(command('--store', 'sqlite:x.db')).rejects.toMatchObject({
      stderr: expect.stringContaining('Only a store on DynamoDB'),
    });
  });
});
