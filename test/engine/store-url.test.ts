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
  ])('%s names a store', (url, expected) => {
    expect(parseStoreUrl(url)).toEqual(expected);
  });

  test.each([
    ['sqlite:', /names no file.*sqlite:PATH/],
    ['sqlite://tasks.db', /names a host.*`sqlite:tasks\.db`/],
    ['memory:x', /nothing after it/],
    ['redis://localhost', /`redis:` is not supported by this version.*sqlite:PATH/],
    ['rediss://localhost', /not supported by this version/],
    ['postgres://localhost/db', /not supported by this version/],
    ['postgresql://localhost/db', /not supported by this version/],
    ['mysql://localhost', /no store for `mysql:`.*memory:/],
    ['./tasks.db', /`sqlite:\.\/tasks\.db`/],
    ['', /sqlite:PATH/],
  ])('%j is refused, with what is accepted', (url, message) => {
    expect(() => parseStoreUrl(url)).toThrow(ConfigurationError);
    expect(() => parseStoreUrl(url)).toThrow(message);
  });

  test.each(['redis://ada:hunter2@host', 'mongodb+srv://ada:hunter2@host'])(
    '%s keeps its password to itself',
    url => {
      expect(() => parseStoreUrl(url)).toThrow(expect.not.stringContaining('hunter2'));
    },
  );
});
