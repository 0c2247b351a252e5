import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CommandIo } from '../../src/cli/io.js';
import { chooseServer, serversNearby } from '../../src/cli/server-choice.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nearby-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function hint(file: string | undefined, flags = {}): string | undefined {
  if (file !== undefined) writeFileSync(join(folder, 'mcp.json'), file);
  const io = { cwd: () => folder, env: {}, stderr: { write() {} } } as unknown as CommandIo;
  return serversNearby(chooseServer(flags, [], io), io);
}
const withServers = (...names: string[]) =>
  JSON.stringify({ mcpServers: Object.fromEntries(names.map(name => [name, { command: 'node' }])) });

it.each<[string, string | undefined, string | undefined]>([
  ['no file', undefined, undefined],
  ['a file without servers', withServers(), undefined],
  ['a file that is no JSON', '{', undefined],
  ['one server', withServers('reports'), 'mcp.json has the server `reports`: --server reports'],
  [
    'two servers',
    withServers('reports', 'videos'),
    'mcp.json has the servers `reports`, `videos`: name one, as in --server reports',
  ],
])('beside %s the bundled server points there', (_case, file, expected) => {
  expect(hint(file)).toBe(expected);
});

it('a server that was named is the one that was meant', () => {
  expect(hint(withServers('reports'), { url: 'http://127.0.0.1:1/mcp' })).toBeUndefined();
});
