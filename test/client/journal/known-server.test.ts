import { describe, expect, test } from 'vitest';
import {
  describeServer,
  knownHttpServer,
  knownStdioServer,
} from '../../../src/client/journal/known-server.js';

describe('a server in the journal', () => {
  test('over HTTP is its URL without user, password and query, and the names of its headers', () => {
    const url = new URL('https://ada:pw@example.test/mcp?key=hidden#part');
    expect(knownHttpServer(url, { Authorization: 'Bearer hidden' })).toEqual({
      kind: 'http',
      url: 'https://example.test/mcp',
      headers: ['Authorization'],
      isPartial: true,
    });
    expect(knownHttpServer(new URL('http://127.0.0.1:3000/mcp'))).toEqual({
      kind: 'http',
      url: 'http://127.0.0.1:3000/mcp',
    });
  });

  test('on standard streams is its command line, folder and the names of its variables', () => {
    expect(
      knownStdioServer({
        command: 'node',
        args: ['server.js', '--port', '1'],
        cwd: '/srv',
        env: { KEY: 'x' },
      }),
    ).toEqual({
      kind: 'stdio',
      command: 'node',
      args: ['server.js', '--port', '1'],
      cwd: '/srv',
      env: ['KEY'],
    });
  });

  test.each([
    [
      ['--token', 'hidden', 'file'],
      ['--token', '…', 'file'],
    ],
    [['--api-key=hidden'], ['--api-key=…']],
    [
      ['--db', 'postgres://ada:hidden@db/x'],
      ['--db', 'postgres://…@db/x'],
    ],
    [
      ['--header', 'Authorization: hidden'],
      ['--header', '…'],
    ],
    [
      ['-y', '@scope/server', '/data'],
      ['-y', '@scope/server', '/data'],
    ],
  ])('leaves out what is likely to be secret: %j', (args, shown) => {
    const server = knownStdioServer({ command: 'server', args });
    expect(server).toMatchObject({ args: shown });
    expect('isPartial' in server).toBe(String(args) !== String(shown));
    expect(describeServer(server)).not.toContain('hidden');
  });
});
