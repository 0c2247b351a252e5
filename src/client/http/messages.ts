import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { isRecord } from '../../protocols/tool-result.js';
import { LostContactError } from '../connection/lost-contact.js';

/**
 * The messages in the body of an answer: one, or a batch (revision 2025-03-26).
 * @throws LostContactError when it breaks off, SyntaxError or ZodError when it is no MCP
 */
export function messagesIn(text: string): JSONRPCMessage[] {
  const value = parsed(text);
  return (Array.isArray(value) ? value : [value]).map(readMessage);
}

/**
 * One message. Some serializers write null for what is absent.
 * @throws ZodError when it is none
 */
export function readMessage(value: unknown): JSONRPCMessage {
  if (!isRecord(value) || !isRecord(value.result) || value.result._meta !== null)
    return JSONRPCMessageSchema.parse(value);
  const { _meta, ...result } = value.result;
  return JSONRPCMessageSchema.parse({ ...value, result });
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
