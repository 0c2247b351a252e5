import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connectPostgres } from '../../../src/engine/bullmq/postgres-connection.js';
import { lockTimes } from '../../../src/engine/bullmq/queue-connection.js';

/** A message of PostgreSQL's protocol: its type, its length and its content. */
function message(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

/** What it says to a client that it has let in, and on its own end right after that. */
const WELCOME_AND_FAREWELL = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('Z', Buffer.from('I')),
  message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0')),
]);

test('a server that dies right after it has let the listener in ends no process of ours', async () => {
  const server = createServer(socket => {
    socket.once('data', () => socket.end(WELCOME_AND_FAREWELL));
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `postgres://test@127.0.0.1:${port}/test`;
  const connection = connectPostgres(url, { prefix: 'test', locks: lockTimes(1000) });
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown) => uncaught.push(error);
  process.on('uncaughtExceptionMonitor', onUncaught);
  onTestFinished(() => void process.removeListener('uncaughtExceptionMonitor', onUncaught));

  await expect(connection.backend('copy').waitForJob(0.02)).rejects.toThrow();

  await connection.close();
  expect(uncaught).toEqual([]);
});
