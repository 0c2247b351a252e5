import { describe, expect, test } from 'vitest';
import { parseStoreUrl } from '../../src/engine/store-url.js';
import { ConfigurationError } from '../../src/errors.js';

describe('a store URL', () => {
  test.each([
    ['sqlite:tasks.db', { kind: 'sqlite', path: 'tasks.db' }],
    ['sqlite:./a b/tasks.db', { kind: 'sqlite', path: './a b/tasks.db' }],
    ['sqlite:/var/tasks.db', { kind: 'sqlite', path: '/var/tasks.db' }],
    ['sqlite:///var/tasks.db', { kind: 'sqlite', path: '/var/tasks.db' }],
    ['SQLite:C:\\tasks.db', { kind: 'sqlite', path: 'C:\\tasks.db' }],
    ['memory:', { kind: 'memory' }],
    ['sqlite::memory:', { kind: 'memory' }],
    ['redis://cache', { kind: 'redis', url: 'redis://cache', label: 'redis://cache' }],
    [
      'rediss://cache:7000/2',
      { kind: 'redis', url: 'rediss://cache:7000/2', label: 'rediss://cache:7000/2' },
    ],
    ['postgres://db/x', { kind: 'postgres', url: 'postgres://db/x', label: 'postgres://db/x' }],
    ['REDISS://db', { kind: 'redis', url: 'rediss://db', label: 'rediss://db' }],
    [
      'dynamodb://Mcp_tasks.v1?queue=mcp-tasks',
      { kind: 'dynamodb', table: 'Mcp_tasks.v1', queue: 'mcp-tasks', label: 'dynamodb://Mcp_tasks.v1' },
    ],
    [
      'dynamodb://tasks?queue=https://sqs.eu-west-1.amazonaws.com/1/q&region=eu-west-1&endpoint=http://127.0.0.1:1&sqsEndpoint=http://127.0.0.1:2',
      {
        kind: 'dynamodb',
        table: 'tasks',
        queue: 'https://sqs.eu-west-1.amazonaws.com/1/q',
        region: 'eu-west-1',
        endpoint: 'http://127.0.0.1:1',
        sqsEndpoint: 'http://127.0.0.1:2',
        label: 'dynamodb://tasks',
      },
    ],
    ['postgresql://db/x', { kind: 'postgres', url: 'postgresql://db/x', label: 'postgresql://db/x' }],
  ])('%s names a store', (url, expected) => {
    expect(parseStoreUrl(url)).toEqual(expected);
  });

  test.each([
    ['sqlite:', /names no file.*sqlite:PATH/],
    ['sqlite://tasks.db', /names a host.*`sqlite:tasks\.db`/],
    ['memory:x', /nothing after it/],
    ['redis:localhost', /begins with `redis:` cannot be read.*redis:\/\/HOST/],
    ['rediss://', /cannot be read/],
    ['postgres://host:port/db', /cannot be read/],
    ['dynamodb://', /names no table/],
    ['dynamodb://a b?queue=q', /names no table/],
    ['dynamodb://tasks', /names no queue/],
    ['dynamodb://tasks?queue=q.fifo', /names no queue/],
    ['dynamodb://tasks?queue=q&endpoint=here', /no URL as `endpoint`/],
    ['dynamodb://tasks?queue=q&table=x', /the option `table`, which there is not.*sqsEndpoint/],
    ['mysql://localhost', /no store for `mysql:`.*memory:/],
    ['./tasks.db', /`sqlite:\.\/tasks\.db`/],
    ['', /sqlite:PATH/],
  ])('%j is refused, with what is accepted', (url, message) => {
    expect(() => parseStoreUrl(url)).toThrow(ConfigurationError);
    expect(() => parseStoreUrl(url)).toThrow(message);
  });

  test.each([
    'redis://ada:hunter2@ho st',
    'redis://ada:hunter2/x@host',
    'redis://ada:6379/hunter2@host',
    'postgres://ada:12?hunter2@host/tasks',
    'mongodb+srv://ada:hunter2@host',
    '//ada:hunter2@host',
    'dynamodb://ada:hunter2@tasks?queue=q',
    'dynamodb://tasks?queue=https://ada:hunter2@sqs/q',
  ])('%s keeps its password to itself', url => {
    expect(() => parseStoreUrl(url)).toThrow(/^((?!hunter2).)*$/s);
  });

  test('of a server is told in messages without credentials and options', () => {
    const url = 'postgres://ada:hunter2@db:6000/tasks?sslcert=secret';
    expect(parseStoreUrl(url)).toEqual({ kind: 'postgres', url, label: 'postgres://db:6000/tasks' });
  });
});
