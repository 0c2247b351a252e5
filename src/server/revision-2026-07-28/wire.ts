import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isJsonObject } from '../is-record.js';
import { RequestError } from '../request-error.js';

/** The versions that this part of the server speaks; earlier ones have a session each. */
export const VERSIONS: readonly string[] = ['2026-07-28'];

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Keys of `_meta` (spec 2026-07-28, basic, "_meta"). */
export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** JSON-RPC error codes of this version. */
export const CODE = {
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
} as const;

/** A request as it came, before anything but its outer form was looked at. */
export interface WireRequest {
  readonly id: RequestId;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** @throws RequestError unless a parameter is what it must be */
export function expectParameter(isExpected: boolean, name: string, what: string): asserts isExpected {
  if (isExpected) return;
  throw new RequestError(CODE.invalidParams, `Expected \`${name}\` to be ${what}`);
}

/** @returns `{requiredCapabilities}` as data, so that a client can tell what to declare */
export function missingTasks(what: string): RequestError {
  return new RequestError(
    CODE.missingCapability,
    `${what} needs a client that declares the extension ${TASKS_EXTENSION}`,
    { data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } }, httpStatus: 400 },
  );
}

/** Whether a message belongs to this version, and not to a session: each of its requests says so. */
export function isWireMessage(message: unknown, headerVersion?: string): boolean {
  if (!isJsonObject(message) || typeof message.method !== 'string') return false;
  if (message.method === 'server/discover') return true;
  if (headerVersion !== undefined && VERSIONS.includes(headerVersion)) return true;
  const meta = isJsonObject(message.params) ? message.params._meta : undefined;
  return isJsonObject(meta) && META.protocolVersion in meta;
}

/** The request in a message of this version; undefined for a notification. */
export function wireRequest(message: Readonly<Record<string, unknown>>): WireRequest | undefined {
  const { id, method, params } = message;
  if (typeof id !== 'string' && typeof id !== 'number') return undefined;
  return { id, method: String(method), params: isJsonObject(params) ? params : {} };
}

export function resultMessage(id: RequestId, result: Record<string, unknown>): JSONRPCMessage {
  return { jsonrpc: '2.0', id, result };
}

export function errorMessage(id: RequestId | undefined, { code, message, data }: RequestError) {
  const error = { code, message, ...(data !== undefined && { data }) };
  return { jsonrpc: '2.0', id: id ?? null, error } as JSONRPCMessage;
}
