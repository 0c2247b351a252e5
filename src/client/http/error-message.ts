import {
  JSONRPCErrorResponseSchema,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { isRecord } from '../../protocols/tool-result.js';

/** The JSON-RPC error in the body of an HTTP error, as the answer to a request; undefined where there is none. */
export function errorMessageIn(body: string, id: RequestId): JSONRPCMessage | undefined {
  const value = parsed(body);
  const found = isRecord(value) ? value.error : undefined;
  const { data: error } = JSONRPCErrorResponseSchema.shape.error.safeParse(found);
  return error && { jsonrpc: '2.0', id, error };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
