import type { DynamodbLocation } from '../store-url.js';

/**
 * The one table and its queues, as DynamoDB's and SQS' own commands and CloudFormation take them. An item is named by
 * `pk` (a task, an idempotency key, or the list of engines) and `sk` (`task`, or one part of a long text).
 */
export const TABLE_DEFINITION = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'statePartition', AttributeType: 'S' },
    { AttributeName: 'ownerPartition', AttributeType: 'S' },
    { AttributeName: 'createdKey', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'states',
      KeySchema: [
        { AttributeName: 'statePartition', KeyType: 'HASH' },
        { AttributeName: 'createdKey', KeyType: 'RANGE' },
      ],
      Projection: {
        ProjectionType: 'INCLUDE',
        NonKeyAttributes: [
          'status',
          'dueAt',
          'front',
          'worker',
          'runCount',
          'asking',
          'startedAt',
          'endedAt',
          'waitedMs',
          'expiresAt',
        ],
      },
    },
    {
      IndexName: 'owners',
      KeySchema: [
        { AttributeName: 'ownerPartition', KeyType: 'HASH' },
        { AttributeName: 'createdKey', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['status', 'expiresAt'] },
    },
  ],
} as const;

/** Seconds since the epoch, after which DynamoDB removes an item. */
export const TTL_ATTRIBUTE = 'removeAt';

/** A message waits as long as SQS allows; how long it is hidden is said with each one that is received. */
export const QUEUE_ATTRIBUTES = {
  MessageRetentionPeriod: '1209600',
  VisibilityTimeout: '30',
  ReceiveMessageWaitTimeSeconds: '1',
} as const;

/**
 * How often a message may be received before SQS itself moves it to the dead-letter queue. A worker that hands a message
 * back counts as well, so it sends a new one long before that.
 */
export const MAX_RECEIVE_COUNT = 1000;

export const DEAD_LETTER_QUEUE_ATTRIBUTES = { MessageRetentionPeriod: '1209600' } as const;

/** The name of a queue's dead-letter queue. */
export function deadLetterQueueName(queueName: string): string {
  return `${queueName}-dead-letter`;
}

/** The name of a queue that is given by its URL or its name. */
export function queueNameOf(queue: string): string {
  return queue.replace(/^.*\//, '');
}

/** The CloudFormation template of all that `createDynamodbStore` makes. */
export function cloudformationTemplate({ table, queue }: DynamodbLocation) {
  const name = queueNameOf(queue);
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'A store of mcp-await: one table, and the queue of its tasks with a dead-letter queue.',
    Resources: {
      Table: {
        Type: 'AWS::DynamoDB::Table',
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          TableName: table,
          ...TABLE_DEFINITION,
          TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true },
        },
      },
      DeadLetterQueue: {
        Type: 'AWS::SQS::Queue',
        Properties: { QueueName: deadLetterQueueName(name), ...asNumbers(DEAD_LETTER_QUEUE_ATTRIBUTES) },
      },
      Queue: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          QueueName: name,
          ...asNumbers(QUEUE_ATTRIBUTES),
          RedrivePolicy: {
            deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] },
            maxReceiveCount: MAX_RECEIVE_COUNT,
          },
        },
      },
    },
    Outputs: { QueueUrl: { Value: { Ref: 'Queue' } } },
  };
}

/** CloudFormation takes as numbers what SQS itself takes as text. */
function asNumbers(attributes: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Number(value)]));
}
