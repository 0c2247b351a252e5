import { randomBytes } from 'node:crypto';
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  deadLetterQueueName,
  MAX_RECEIVE_COUNT,
  QUEUE_ATTRIBUTES,
  TABLE_DEFINITION,
} from '../../../src/engine/dynamodb/table.js';
import type { AwsServices } from '../../services/aws.js';

/** A table and a queue with its dead-letter queue, all of a new name; the answer is that name. */
export async function createStore({ dynamodb, sqs }: AwsServices): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const tables = new DynamoDBClient({ endpoint: dynamodb.url });
  const queues = new SQSClient({ endpoint: sqs.url });
  try {
    const definition = structuredClone(TABLE_DEFINITION) as unknown as CreateTableCommandInput;
    await tables.send(new CreateTableCommand({ ...definition, TableName: name }));
    const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: deadLetterQueueName(name) }));
    const { Attributes = {} } = await queues.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    const redrive = { deadLetterTargetArn: Attributes.QueueArn, maxReceiveCount: MAX_RECEIVE_COUNT };
    await queues.send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: { ...QUEUE_ATTRIBUTES, RedrivePolicy: JSON.stringify(redrive) },
      }),
    );
    return name;
  } finally {
    tables.destroy();
    queues.destroy();
  }
}
