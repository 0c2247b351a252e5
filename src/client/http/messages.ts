import {
  JSONRPCErrorResponseSchema,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { isRecord, parseJson } from '../../protocols/tool-result.js';
import { LostContactError } from '../connection/contact.js';
import { safeMessage } from '../connection/message-kind.js';

/**
 * The messages in the answer to a request: one, or a batch (revision 2025-03-26). An error that names no request is that of
 * the one that is answered.
 * @throws LostContactError when it breaks off, SyntaxError or ZodError when it is no MCP
 */
export function httpMessagesIn(text: string, request?: JSONRPCRequest): JSONRPCMessage[] {
  const values = [parsed(text)].flat();
  if (request === undefined) return values.map(readMessage);
  return values.map(value => {
    const message = readMessage(isOutcome(value) ? { ...value, jsonrpc: '2.0' } : value);
    return 'error' in message && message.id === undefined ? { ...message, id: request.id } : message;
  });
}

/** An answer to a request may be without the member `jsonrpc`, which tells nothing. */
function isOutcome(value: unknown): value is object {
  return isRecord(value) && ('result' in value || 'error' in value);
}

/**
 * One message.
 * @throws ZodError when it is none
 */
export function readMessage(value: unknown): JSONRPCMessage {
  const { data, error } = safeMessage(value);
  if (data === undefined) throw error;
  return data;
}

/** The JSON-RPC error in the body of an HTTP error, as the answer to a request; undefined where there is none. */
export function errorMessageIn(body: string, id: RequestId): JSONRPCMessage | undefined {
  const value = parseJson(body);
  const found = isRecord(value) ? value.error : undefined;
  const { data: error } = JSONRPCErrorResponseSchema.shape.error.safeParse(found);
  return error && { jsonrpc: '2.0', id, error };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError && /^\s*[{[]/.test(text))
      throw new LostContactError('the answer broke off', { cause: error });
    throw error;
  }
}

/** Whether an error speaks of a session, or of the greeting with which one begins. */
export function speaksOfSession(text: string): boolean {
  return /session|initiali[sz]|transport/i.test(text);
}

/** Whether something in a text, which may be no MCP, is meant as the answer to a request. */
export function isAnsweredIn(text: string, { id }: JSONRPCRequest): boolean {
  return [parseJson(text)]
    .flat()
    .some(value => isRecord(value) && !('method' in value) && String(value.id) === String(id));
}
