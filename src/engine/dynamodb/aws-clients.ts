import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamodbLocation } from '../store-url.js';

const NO_WARNING = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

export interface AwsClients extends Disposable {
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
}

/** The clients of a store, as its URL says; `requestHandler` bounds how long a request may take. */
export function openAwsClients(
  { region, endpoint, sqsEndpoint }: DynamodbLocation,
  requestHandler: NonNullable<DynamoDBClientConfig['requestHandler']> = {},
): AwsClients {
  const common = { ...(region === undefined ? {} : { region }), requestHandler };
  return withoutWarning(() => {
    const dynamodb = new DynamoDBClient({ ...common, ...(endpoint === undefined ? {} : { endpoint }) });
    // An endpoint that is told is where requests go, whichever host the URL of the queue names.
    const own = sqsEndpoint === undefined ? {} : { endpoint: sqsEndpoint, useQueueUrlAsEndpoint: false };
    const sqs = new SQSClient({ ...common, ...own });
    return {
      dynamodb,
      sqs,
      [Symbol.dispose]() {
        dynamodb.destroy();
        sqs.destroy();
      },
    };
  });
}

/**
 * On Node 20, the first client warns on standard error that later versions of the SDK will not run there; `AWS_PACKAGES`
 * asks for one that does.
 */
function withoutWarning<Value>(make: () => Value): Value {
  const before = process.env[NO_WARNING];
  process.env[NO_WARNING] = 'true';
  try {
    return make();
  } finally {
    if (before === undefined) delete process.env[NO_WARNING];
    else process.env[NO_WARNING] = before;
  }
}
