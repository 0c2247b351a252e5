import {
  ErrorCode,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  JSONRPCNotificationSchema,
  type JSONRPCRequest,
  JSONRPCResultResponseSchema,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { excerptOf } from '../../protocols/excerpt.js';
import { isRecord } from '../../protocols/tool-result.js';

// Not the SDK's guards, which check the whole of a message each time: the SDK has done so, or has made it.

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

/** The id of the request that a result or an error answers; undefined for any other message. */
export function answeredId(message: JSONRPCMessage): RequestId | undefined {
  return 'method' in message ? undefined : message.id;
}

/** The id of the request that a notification takes back; undefined for any other message. */
export function cancelledId(message: JSONRPCMessage): RequestId | undefined {
  if (!('method' in message) || message.method !== 'notifications/cancelled') return undefined;
  return message.params?.requestId as RequestId | undefined;
}

/** An id of ours as it was sent: all are numbers, and some servers give them back as text. The SDK compares as this does. */
export function asSent(id: RequestId): RequestId {
  return typeof id === 'string' && id.trim() !== '' && Number.isFinite(Number(id)) ? Number(id) : id;
}

/** Beyond what the SDK's client counts to, and within what a server may keep in 32 bits. */
const FIRST_OWN_ID = 500_000_000;
let ownIds = 0;

/** An id for a request that is not the SDK's client's. A number, since some servers can read no other. */
export function ownId(): number {
  ownIds = (ownIds + 1) % FIRST_OWN_ID;
  return FIRST_OWN_ID + ownIds;
}

/** A part of a message without `_meta` where that is null: some serializers write null for an absent field. */
function withoutNullMeta(part: unknown): unknown {
  if (!isRecord(part) || part._meta !== null) return part;
  const { _meta, ...rest } = part;
  return rest;
}

/** An error in the shape of JSON-RPC: some servers answer with a text, or leave out the code or the message. */
function readableError(error: unknown): unknown {
  const { code, message, data } = isRecord(error) ? error : { message: error };
  return {
    code: Number.isSafeInteger(code) ? code : ErrorCode.InternalError,
    message: typeof message === 'string' ? message : excerptOf(error),
    data,
  };
}

const MEMBERS = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];

/**
 * Reads a value as a message, also with members that are null or that JSON-RPC does not know, such as `"error": null` beside
 * a result, or a null `_meta`, and with an error of another shape.
 */
export function safeMessage(value: unknown): z.ZodSafeParseResult<JSONRPCMessage> {
  const read = messageSchema(value).safeParse(value);
  if (read.success || !isRecord(value)) return read;
  const entries = Object.entries(value).filter(([name, part]) => part !== null && MEMBERS.includes(name));
  const rest = Object.fromEntries(
    entries.map(([name, part]) => [name, name === 'error' ? readableError(part) : withoutNullMeta(part)]),
  );
  const again = messageSchema(rest).safeParse(rest);
  return again.success ? again : read;
}

/** What a message has to be, by its members: the union of all kinds tries one after the other, and explains each that fails. */
function messageSchema(value: unknown): z.ZodType<JSONRPCMessage> {
  if (!isRecord(value)) return JSONRPCMessageSchema;
  if ('result' in value) return JSONRPCResultResponseSchema;
  return 'method' in value && !('id' in value) ? JSONRPCNotificationSchema : JSONRPCMessageSchema;
}
