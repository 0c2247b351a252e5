import { InitializeResultSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { readTolerantly } from '../../protocols/tolerant.js';
import { isRecord } from '../../protocols/tool-result.js';

type Json = Readonly<Record<string, unknown>>;

const NAMELESS = { name: 'unknown', version: 'unknown' };

/** The answer to `initialize` in MCP's shape, as far as possible: null and unreadable fields are left out. */
export function readableGreeting(message: JSONRPCMessage): JSONRPCMessage {
  if (!('result' in message) || InitializeResultSchema.safeParse(message.result).success) return message;
  const { capabilities, serverInfo, ...rest } = message.result;
  const { data } = readTolerantly(InitializeResultSchema, {
    ...rest,
    capabilities: isRecord(capabilities) ? readCapabilities(capabilities) : {},
    serverInfo: { ...NAMELESS, ...(isRecord(serverInfo) && withoutNulls(serverInfo)) },
  });
  return data === undefined ? message : { ...message, result: data };
}

/** Some servers declare a capability as `true` instead of `{}`. */
function readCapabilities({ tasks, ...capabilities }: Json): Json {
  const entries = Object.entries(capabilities).map(([name, value]) => [name, value === true ? {} : value]);
  return { ...Object.fromEntries(entries), ...(tasks !== undefined && { tasks: objectsForTrue(tasks) }) };
}

/** Replaces `true` by `{}` everywhere: no part of the capability `tasks` is a boolean. */
function objectsForTrue(value: unknown): unknown {
  if (value === true) return {};
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, objectsForTrue(inner)]));
}

function withoutNulls(record: Json): Json {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}
