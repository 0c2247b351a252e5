import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { expect, test, vi } from 'vitest';
import type { ClientTransport } from '../../../src/client/connection/client-transport.js';
import { RevisionTransport } from '../../../src/client/revision-2026-07-28/revision-transport.js';

test('a server that is replaced is not started again once the connection has been closed', async () => {
  let release = () => {};
  const released = new Promise<void>(resolve => {
    release = resolve;
  });
  const first: ClientTransport = {
    start: async () => {},
    // It ends for any question.
    send: async () => first.onclose?.(),
    close: vi.fn(() => released),
  };
  const second: ClientTransport = {
    start: vi.fn(async () => {}),
    send: async () => {},
    close: async () => {},
  };
  const transport = new RevisionTransport(first, { discoverTimeoutMs: 1000, another: () => second });
  await transport.start();
  const params = { protocolVersion: '2025-11-25', clientInfo: {}, capabilities: {} };
  const greeting: JSONRPCMessage = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
  const sent = transport.send(greeting);
  await vi.waitFor(() => expect(first.close).toHaveBeenCalled());
  await transport.close();
  release();
  await expect(sent).rejects.toThrow('Connection closed');
  expect(second.start).not.toHaveBeenCalled();
});
