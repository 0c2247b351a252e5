import { describe, expect, test } from 'vitest';
import { awsAdvice, awsOpenFailure } from '../../../src/engine/dynamodb/aws-failure.js';
import { StoreCalls } from '../../../src/engine/store-calls.js';
import { StoreFailure } from '../../../src/engine/store-failure.js';
import { ConfigurationError } from '../../../src/errors.js';

const PLACE = { label: 'dynamodb://tasks', table: 'tasks', queue: 'jobs', region: 'us-east-1' };

function failure(name: string, message: string, facts: object = {}): Error {
  return Object.assign(new Error(message), { name, ...facts });
}

const THROTTLED = failure('ThrottlingException', 'Rate exceeded');

describe('a store on AWS that cannot be opened says what to do', () => {
  test.each([
    [
      failure('QueueDoesNotExist', 'The specified queue does not exist.'),
      'The specified queue does not exist. The table `tasks` and the queue `jobs` were looked for in us-east-1: correct the URL, or run `mcp-await store create` with it.',
    ],
    [
      failure('AccessDeniedException', 'User: x is not authorized'),
      'User: x is not authorized. Allow what the policy in docs/production.md names.',
    ],
    [
      failure('Error', 'Region is missing'),
      'Region is missing. Put `region=…` into its URL, or set AWS_REGION.',
    ],
    [
      failure('Error', 'getaddrinfo ENOTFOUND dynamodb.moon-1.amazonaws.com', { code: 'ENOTFOUND' }),
      'getaddrinfo ENOTFOUND dynamodb.moon-1.amazonaws.com. Check its region and endpoints, and the network.',
    ],
    [failure('Odd', 'Nobody knows.'), 'Nobody knows.'],
  ])('%s', (error, text) => {
    const told = awsOpenFailure(error, PLACE);
    expect(told).toBeInstanceOf(ConfigurationError);
    expect(told.message).toBe(`The store dynamodb://tasks cannot be opened: ${text}`);
  });

  test('and that trying again may help where AWS throttles', () => {
    const told = awsOpenFailure(THROTTLED, PLACE, 'made');
    expect(told).toBeInstanceOf(StoreFailure);
    expect(told.message).toBe(
      'The store dynamodb://tasks cannot be made: Rate exceeded. AWS throttles it: try again, or raise the limits of the table, its indexes and the account.',
    );
  });
});

describe('a store on AWS that is open', () => {
  const calls = new StoreCalls({
    label: PLACE.label,
    isConnectionError: error => error === THROTTLED,
    advice: awsAdvice,
    patienceMs: 30,
  });

  test('says that it was throttled all the time', async () => {
    const call = calls.make(async () => {
      throw THROTTLED;
    });
    await expect(call).rejects.toThrow('did not answer within 0.03 s. AWS throttles it: try again, or');
  });

  test('says what to do about an item that is too large', async () => {
    const call = calls.make(async () => {
      throw failure('ValidationException', 'Item size to update has exceeded the maximum allowed size');
    });
    await expect(call).rejects.toThrow(
      'refused: Item size to update has exceeded the maximum allowed size. An item of DynamoDB holds 400 kB: let the task ask less',
    );
  });
});
