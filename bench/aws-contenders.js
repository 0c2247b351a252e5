// What carries tasks over a DynamoDB table and an SQS queue: this engine, and the bare commands of the SDK.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { createDynamodbStore } from '../dist/engine/dynamodb/create-store.js';
import { parseStoreUrl } from '../dist/engine/store-url.js';
import { engineOn, newKeyPrefix } from './contenders.js';

const BATCH = 10;
/** As often as this engine looks at what it waits for. */
const LOOK_MS = 400;

/** The URL of a new store, made by the command that makes stores. */
export async function newStoreUrl(endpoints) {
  const name = `bench-${randomUUID()}`;
  const url = `dynamodb://${name}?${new URLSearchParams({ queue: name, ...endpoints })}`;
  await createDynamodbStore(parseStoreUrl(url));
  return url;
}

/** A front, and a worker that is an engine of its own, as in two processes. */
export async function frontAndWorker(url, options) {
  const shared = { ...options, keyPrefix: newKeyPrefix() };
  const front = await engineOn(url, shared);
  const worker = await engineOn(url, shared);
  return {
    submit: front.submit,
    drain: worker.drain,
    serve: worker.serve,
    roundTrip: front.roundTrip,
    async close() {
      await Promise.all([front.close(), worker.close()]);
    },
  };
}

/** A conditional put and a `SendMessage`; who takes the message ends the task by a conditional update. */
export async function bareAws({ endpoint, sqsEndpoint }, { concurrency }) {
  const name = `bare-${randomUUID()}`;
  const table = new DynamoDBClient({ endpoint });
  const queue = new SQSClient({ endpoint: sqsEndpoint, useQueueUrlAsEndpoint: false });
  await table.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  const { QueueUrl } = await queue.send(new CreateQueueCommand({ QueueName: name }));
  const loops = [];
  let isClosing = false;
  const keyOf = id => ({ pk: { S: id } });
  const submit = async () => {
    const id = randomUUID();
    await table.send(
      new PutItemCommand({
        TableName: name,
        Item: { ...keyOf(id), state: { S: 'pending' }, parameters: { S: '{"text":"hello"}' } },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
    await queue.send(new SendMessageCommand({ QueueUrl, MessageBody: id }));
    return id;
  };
  const end = ({ Body }) =>
    table.send(
      new UpdateItemCommand({
        TableName: name,
        Key: keyOf(Body),
        UpdateExpression: 'SET #state = :ended',
        ConditionExpression: '#state = :pending',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':ended': { S: 'ended' }, ':pending': { S: 'pending' } },
      }),
    );
  const work = async onEnd => {
    while (!isClosing) {
      const { Messages = [] } = await queue.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: BATCH, WaitTimeSeconds: 1 }),
      );
      if (Messages.length === 0) continue;
      await Promise.all(Messages.map(end));
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await queue.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      onEnd(Messages.length);
    }
  };
  const start = onEnd => {
    for (let begun = 0; begun < concurrency; begun += BATCH) loops.push(work(onEnd));
  };
  return {
    submit,
    async drain(count) {
      let ended = 0;
      await new Promise(resolve => {
        start(more => {
          ended += more;
          if (ended >= count) resolve();
        });
      });
    },
    serve: async () => start(() => {}),
    async roundTrip() {
      const id = await submit();
      for (;;) {
        await sleep(LOOK_MS);
        const { Item } = await table.send(new GetItemCommand({ TableName: name, Key: keyOf(id) }));
        if (Item?.state?.S === 'ended') return;
      }
    },
    async close() {
      isClosing = true;
      await Promise.all(loops);
      table.destroy();
      queue.destroy();
    },
  };
}
