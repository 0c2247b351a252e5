import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { expect, test } from 'vitest';
import { serveStdio } from '../../src/server/stdio.js';

const service = () => ({
  server: new Server({ name: 'x', version: '1' }, { capabilities: {} }),
  offer: {} as never,
  principal: 'local',
  onError() {},
});

test('a client that has closed its side before the server listens has gone', async () => {
  const input = new PassThrough();
  input.end();
  input.resume();
  await once(input, 'end');
  const { gone } = await serveStdio(service(), { input, output: new PassThrough() });
  await expect(gone).resolves.toBeUndefined();
});

test('so has one whose line was broken before', async () => {
  const line = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  line.destroy();
  await once(line, 'close');
  const { gone } = await serveStdio(service(), { input: line, output: new PassThrough() });
  await expect(gone).resolves.toBeUndefined();
});
