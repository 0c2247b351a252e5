import { expect, it } from 'vitest';
import { openFailure } from '../../../src/engine/bullmq/open-bullmq-engine.js';
import { StoreFailure } from '../../../src/engine/store-failure.js';
import { ConfigurationError } from '../../../src/errors.js';

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });
const explain = (error: unknown, isUnreachable = false) =>
  openFailure('redis://db:6379', { error, isUnreachable });

it.each<[string, Error, RegExp]>([
  [
    'a wrong password of Redis',
    new Error('WRONGPASS invalid pair.'),
    /invalid pair\. Check the user name and/,
  ],
  ['no password', new Error('NOAUTH Authentication required.'), /Put a password into its URL\.$/],
  [
    'a wrong password of PostgreSQL',
    withCode('password failed', '28P01'),
    /Check the user name and the pass/,
  ],
  ['a database that is none', withCode('database "x" does not exist', '3D000'), /Create the database/],
  ['missing rights', withCode('permission denied', '42501'), /the schema `bullmq`: let its user create it/],
  [
    'what nobody has heard of',
    new Error('ERR odd'),
    /^The store redis:\/\/db:6379 cannot be opened: ERR odd\.$/,
  ],
])('says what to do about %s', (_case, cause, message) => {
  const error = explain(cause);
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(error.message).toMatch(message);
});

it('tells a server that cannot be reached from one that refuses', () => {
  const refused = withCode('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED');
  const error = explain(new AggregateError([refused, refused], ''), true);
  expect(error).toBeInstanceOf(StoreFailure);
  expect(error.message).toMatch(/opened: connect ECONNREFUSED 127\.0\.0\.1:1\. Check that it is running/);
});

it('leaves alone what is explained already', () => {
  const error = new ConfigurationError('It is a replica.');
  expect(explain(error)).toBe(error);
});
