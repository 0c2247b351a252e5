import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, expectTypeOf, test, vi } from 'vitest';
import type { AwaitClient } from '../../../src/client/await-client.js';
import { awaitFixture } from '../../fixtures/client/await-fixture.js';
import { text } from '../../fixtures/client/scripted-server.js';

const settle = () => new Promise(resolve => setImmediate(resolve));

test('what the server says of itself is told', async () => {
  const { client, server } = await awaitFixture({ greet: text('hi') });
  expect(client.getServerCapabilities()).toEqual(server.client.getServerCapabilities());
  expect(client.getServerVersion()).toEqual({ name: 'scripted', version: '1' });
  expect(client.getInstructions()).toBe('Play along.');
  expect(client.transport).toBe(server.client.transport);
  expect(client.sdkClient).toBe(server.client);
});

test('requests other than tool calls reach the server', async () => {
  const { client, server } = await awaitFixture({ greet: text('hi') });
  await client.ping();
  await client.setLoggingLevel('error');
  expect([server.count('ping'), server.count('logging/setLevel')]).toEqual([1, 1]);
});

test('members work without their object, as frameworks take them off', async () => {
  const { client } = await awaitFixture({ greet: text('hi') });
  const { ping, getServerVersion } = client;
  await expect(ping()).resolves.toEqual({});
  expect(getServerVersion()).toBeDefined();
});

test('notification handlers are set on the wrapped client', async () => {
  const { client, server } = await awaitFixture({ greet: text('hi') });
  const heard = vi.fn();
  client.setNotificationHandler(LoggingMessageNotificationSchema, heard);
  await server.server.notification({
    method: 'notifications/message',
    params: { level: 'error', data: 'look' },
  });
  await settle();
  expect(heard).toHaveBeenCalledOnce();
});

test('`onclose` and `onerror` are those of the wrapped client, both ways', async () => {
  const { client, server } = await awaitFixture({ greet: text('hi') });
  const [onclose, onerror] = [vi.fn(), vi.fn()];
  client.onclose = onclose;
  client.onerror = onerror;
  expect(server.client.onclose).toBe(onclose);
  expect(client.onerror).toBe(onerror);
  await client.close();
  expect(onclose).toHaveBeenCalled();
  expect(client.transport).toBeUndefined();
});

test('close() may be called twice', async () => {
  const { client } = await awaitFixture({ greet: text('hi') });
  await client.close();
  await expect(client.close()).resolves.toBeUndefined();
});

test('every public method of the SDK client is passed on, or left out on purpose', async () => {
  const { client } = await awaitFixture({ greet: text('hi') });
  const leftOut = [
    'cacheToolMetadata',
    'connect',
    'constructor',
    'experimental',
    'getTaskResult',
    'getTask',
    'getToolOutputValidator',
    'isToolTask',
    'isToolTaskRequired',
    'listTasks',
    'cancelTask',
    'requestStream',
    'requestTaskStore',
  ];
  const isInternal = (name: string) => /^(_|assert.*(Capability|CapabilityForMethod)$)/.test(name);
  const names: string[] = [];
  for (
    let prototype = Client.prototype as object;
    prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  )
    names.push(...Object.getOwnPropertyNames(prototype));
  const missing = names.filter(name => !isInternal(name) && !leftOut.includes(name) && !(name in client));
  expect(missing).toEqual([]);
});

test('the type fits wherever the members of the SDK client are asked for', () => {
  type FrameworkNeeds = Pick<
    Client,
    'listTools' | 'getServerCapabilities' | 'getServerVersion' | 'setNotificationHandler' | 'close' | 'ping'
  >;
  expectTypeOf<AwaitClient>().toExtend<FrameworkNeeds>();
});
