import { createHash, randomUUID } from 'node:crypto';
import type { Fault, SeenRequest } from '../fixtures/faults/fault-proxy.js';

/** A refusal in the words of DynamoDB or SQS, before the service has seen the request. */
export function refused(code: string, { message = code, status = 400, facts = {} } = {}): Fault {
  const body = JSON.stringify({
    __type: `com.amazonaws.dynamodb.v20120810#${code}`,
    message,
    Message: message,
    ...facts,
  });
  return { kind: 'status', when: 'before', status, headers: JSON_HEADERS, body };
}

export function throttled(
  code:
    | 'ProvisionedThroughputExceededException'
    | 'ThrottlingException' = 'ProvisionedThroughputExceededException',
): Fault {
  return refused(code, { message: 'The level of configured provisioned throughput was exceeded.' });
}

export function conditionFailed(): Fault {
  return refused('ConditionalCheckFailedException', { message: 'The conditional request failed' });
}

/** What a `SendMessage` or `SendMessageBatch` is told whose messages nobody will receive. */
export function lostMessage({ body }: SeenRequest): Fault {
  const sent = JSON.parse(body);
  const accepted = ({ MessageBody, Id }: { readonly MessageBody: string; readonly Id?: string }) => ({
    ...(Id !== undefined && { Id }),
    MessageId: randomUUID(),
    MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
  });
  const answer =
    sent.Entries === undefined ? accepted(sent) : { Successful: sent.Entries.map(accepted), Failed: [] };
  return { kind: 'status', when: 'before', status: 200, headers: JSON_HEADERS, body: JSON.stringify(answer) };
}

const JSON_HEADERS = { 'content-type': 'application/x-amz-json-1.0' };
