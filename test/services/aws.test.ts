import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { TABLE_DEFINITION } from '../../src/engine/dynamodb/table.js';
import { faultProxy } from '../fixtures/faults/fault-proxy.js';
import { conditionFailed, lostMessage, throttled } from './aws-faults.js';
import { describeWithAws } from './index.js';

const TableName = 'facts';

describeWithAws('the emulators', aws => {
  let client: DynamoDBClient;
  let queues: SQSClient;
  beforeAll(async () => {
    client = new DynamoDBClient({ endpoint: aws().dynamodb.url });
    queues = new SQSClient({ endpoint: aws().sqs.url, useQueueUrlAsEndpoint: false });
    await client.send(new CreateTableCommand({ TableName, ...definition() }));
    await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TableName });
  });
  afterAll(() => {
    client.destroy();
    queues.destroy();
  });

  const put = (pk: string, more: object = {}) => ({
    TableName,
    Item: { pk: { S: pk }, sk: { S: 'task' }, version: { N: '1' }, ...more },
  });
  const isNew = { ConditionExpression: 'attribute_not_exists(pk)' };
  const get = async (pk: string, from = client) =>
    (
      await from.send(
        new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: 'task' } }, ConsistentRead: true }),
      )
    ).Item;
  const claim = (pk: string) => ({
    TableName,
    Key: { pk: { S: pk }, sk: { S: 'task' } },
    UpdateExpression: 'SET version = version + :one',
    ConditionExpression: 'version = :expected',
    ExpressionAttributeValues: { ':one': { N: '1' }, ':expected': { N: '1' } },
  });

  test('let one of twenty claims of an item win, and show the others the item', async () => {
    await client.send(new PutItemCommand(put('claimed')));
    const claims = Array.from({ length: 20 }, () =>
      client.send(
        new UpdateItemCommand({ ...claim('claimed'), ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      ),
    );
    const ends = await Promise.allSettled(claims);
    const lost = ends.flatMap(end => (end.status === 'rejected' ? [end.reason] : []));
    expect(lost).toHaveLength(19);
    for (const error of lost) {
      expect(error).toBeInstanceOf(ConditionalCheckFailedException);
      expect(error.Item.version).toEqual({ N: '2' });
    }
  });

  test('write all of a transaction or nothing, also into the indexes', async () => {
    await client.send(new PutItemCommand(put('taken')));
    const listed = { ownerPartition: { S: 'owner' }, createdKey: { S: '1' } };
    const transaction = (key: string) =>
      new TransactWriteItemsCommand({
        TransactItems: [
          { Put: { ...put('task-1', listed), ...isNew } },
          { Put: { ...put(key), ...isNew } },
          { Update: { ...claim('counted') } },
        ],
      });
    await client.send(new PutItemCommand(put('counted')));
    const error = await client.send(transaction('taken')).catch(error => error);
    expect(error).toBeInstanceOf(TransactionCanceledException);
    const codes = error.CancellationReasons.map(({ Code }: { Code: string }) => Code);
    expect(codes).toEqual(['None', 'ConditionalCheckFailed', 'None']);
    const owned = () =>
      client.send(
        new QueryCommand({
          TableName,
          IndexName: 'owners',
          KeyConditionExpression: 'ownerPartition = :owner',
          ExpressionAttributeValues: { ':owner': { S: 'owner' } },
        }),
      );
    expect([await get('task-1'), (await owned()).Count]).toEqual([undefined, 0]);
    expect((await get('counted'))?.version).toEqual({ N: '1' });
    await client.send(transaction('free'));
    expect([(await get('task-1'))?.version, (await owned()).Count]).toEqual([{ N: '1' }, 1]);
    expect((await get('counted'))?.version).toEqual({ N: '2' });
  });

  test('let one of twenty transactions win', async () => {
    const ends = await Promise.allSettled(
      Array.from({ length: 20 }, (_, count) =>
        client.send(
          new TransactWriteItemsCommand({
            TransactItems: [
              { Put: { ...put(`raced-${count}`), ...isNew } },
              { Put: { ...put('raced-key'), ...isNew } },
            ],
          }),
        ),
      ),
    );
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const kept = await Promise.all(ends.map((_, count) => get(`raced-${count}`)));
    expect(kept.filter(item => item !== undefined)).toHaveLength(1);
  });

  test('know a transaction again by its token, as after a lost answer', async () => {
    await using proxy = await faultProxy(aws().dynamodb.url);
    const through = new DynamoDBClient({ endpoint: proxy.origin });
    onTestFinished(() => through.destroy());
    proxy.decide = () => (proxy.seen.length === 1 ? { kind: 'drop', when: 'after' } : undefined);
    await through.send(
      new TransactWriteItemsCommand({ TransactItems: [{ Put: { ...put('once'), ...isNew } }] }),
    );
    expect(proxy.seen.map(({ what }) => what)).toEqual(['TransactWriteItems', 'TransactWriteItems']);
  });

  test('turn time to live on once', async () => {
    const enable = () =>
      client.send(
        new UpdateTimeToLiveCommand({
          TableName,
          TimeToLiveSpecification: { Enabled: true, AttributeName: 'removeAt' },
        }),
      );
    await enable();
    await expect(enable()).rejects.toThrow('already enabled');
    const { TimeToLiveDescription: found } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
    expect(found).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'removeAt' });
  });

  test('keep what they have acknowledged when they are killed', async () => {
    const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: 'kept' }));
    await client.send(new PutItemCommand(put('kept')));
    await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'kept' }));
    for (const service of [aws().dynamodb, aws().sqs]) {
      await service.kill();
      await service.start();
    }
    expect(await get('kept')).toMatchObject({ pk: { S: 'kept' } });
    const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['kept']);
  });

  test('move a message that is received too often to the dead-letter queue', async () => {
    const { QueueUrl: deadUrl } = await queues.send(new CreateQueueCommand({ QueueName: 'dead' }));
    const { Attributes } = await queues.send(
      new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] }),
    );
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 2 });
    const { QueueUrl } = await queues.send(
      new CreateQueueCommand({ QueueName: 'poison', Attributes: { RedrivePolicy, VisibilityTimeout: '0' } }),
    );
    await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'poison' }));
    for (let count = 0; count < 3; count++) await queues.send(new ReceiveMessageCommand({ QueueUrl }));
    const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl: deadUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['poison']);
  });

  test('are throttled, refuse and lose messages behind the proxy, as AWS does', async () => {
    await using table = await faultProxy(aws().dynamodb.url);
    const patient = new DynamoDBClient({ endpoint: table.origin });
    const once = new DynamoDBClient({ endpoint: table.origin, maxAttempts: 1 });
    await using queue = await faultProxy(aws().sqs.url);
    const sender = new SQSClient({ endpoint: queue.origin, useQueueUrlAsEndpoint: false });
    onTestFinished(() => {
      for (const used of [patient, once, sender]) used.destroy();
    });
    table.decide = () => (table.seen.length < 3 ? throttled() : undefined);
    await patient.send(new PutItemCommand(put('patient')));
    expect(table.seen).toHaveLength(3);
    table.decide = () => throttled('ThrottlingException');
    await expect(once.send(new PutItemCommand(put('throttled')))).rejects.toMatchObject({
      name: 'ThrottlingException',
    });
    table.decide = () => conditionFailed();
    await expect(once.send(new PutItemCommand(put('refused')))).rejects.toBeInstanceOf(
      ConditionalCheckFailedException,
    );
    const { QueueUrl } = await sender.send(new CreateQueueCommand({ QueueName: 'lossy' }));
    queue.decide = request => (queue.seen.length === 2 ? lostMessage(request) : undefined);
    await sender.send(new SendMessageCommand({ QueueUrl, MessageBody: 'lost' }));
    queue.decide = ({ what }) => (what === 'SendMessage' ? { kind: 'duplicate' } : undefined);
    await sender.send(new SendMessageCommand({ QueueUrl, MessageBody: 'twice' }));
    const received: (string | undefined)[] = [];
    for (let count = 0; count < 3; count++) {
      const { Messages = [] } = await sender.send(new ReceiveMessageCommand({ QueueUrl }));
      for (const { Body, ReceiptHandle } of Messages) {
        received.push(Body);
        await sender.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
    expect(received).toEqual(['twice', 'twice']);
  });
});

/** The SDK changes no list that it is given, but its types do not say so. */
function definition() {
  return structuredClone(TABLE_DEFINITION) as unknown as Omit<
    ConstructorParameters<typeof CreateTableCommand>[0],
    'TableName'
  >;
}
