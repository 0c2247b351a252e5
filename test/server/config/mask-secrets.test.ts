import { expect, it } from 'vitest';
import { maskSecrets } from '../../../src/server/config/mask-secrets.js';

it.each([
  ['redis://app:hunter2@db:6379/0', 'redis://***@db:6379/0'],
  ['rediss://:hunter2@db', 'rediss://***@db'],
  ['postgres://app:hun@ter/2@db/tasks', 'postgres://***@db/tasks'],
  [
    'postgres://db/tasks?user=app&password=hunter2&sslmode=require',
    'postgres://db/tasks?user=app&password=***&sslmode=require',
  ],
  ['redis://db?authToken=hunter2', 'redis://db?authToken=***'],
  ['//app:hunter2@db', '//***@db'],
])('%s is shown as %s', (text, shown) => {
  expect(maskSecrets(text)).toBe(shown);
});

it.each(['sqlite:///home/me@work/tasks.db', 'memory:', 'redis://db:6379', 'http', 'me@example.com'])(
  '%s is shown as it is',
  text => {
    expect(maskSecrets(text)).toBe(text);
  },
);
