import type { WireRequest } from '../../../src/server/revision-2026-07-28/wire.js';

export const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

export const metaOf = (clientCapabilities: object = TASKS) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': clientCapabilities,
});

/** A request as a client of this version sends it. */
export function requestOf(
  method: string,
  params: object = {},
  { id = 1, capabilities = TASKS }: { id?: number; capabilities?: object } = {},
): WireRequest & { jsonrpc: '2.0' } {
  return { jsonrpc: '2.0', id, method, params: { _meta: metaOf(capabilities), ...params } };
}
