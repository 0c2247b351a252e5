import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { headerValue } from './parameter-headers.js';
import { REVISION_VERSION } from './revision-wire.js';

/** The parameter that the header `Mcp-Name` repeats, by method (SEP-2243). */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** The headers by which a gateway may route a message (SEP-2243). */
export function standardHeaders(message: JSONRPCMessage): Record<string, string> {
  const version = { 'mcp-protocol-version': REVISION_VERSION };
  if (!('method' in message)) return version;
  const { method, params } = message;
  const name = Object.hasOwn(NAMED_BY, method) ? params?.[NAMED_BY[method] ?? ''] : undefined;
  return {
    ...version,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': headerValue(name) }),
  };
}
