import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { NativeTasks } from '../../protocols/protocol.js';
import { ReconnectingTransport } from '../connection/reconnecting-transport.js';
import { TASKS_EXTENSION_NAME } from '../revision-2026-07-28/revision-wire.js';

/** The revision of MCP's own tasks that the connected server offers for tools. */
export function nativeTasksOf(client: Client): NativeTasks | undefined {
  const { tasks, extensions } = client.getServerCapabilities() ?? {};
  if (isSessionless(client))
    return extensions?.[TASKS_EXTENSION_NAME] === undefined ? undefined : '2026-07-28';
  return tasks?.requests?.tools?.call === undefined ? undefined : '2025-11-25';
}

/** Whether the server speaks 2026-07-28, in which a tool does not declare task support. */
export function isSessionless({ transport }: Client): boolean {
  return transport instanceof ReconnectingTransport && transport.revision === '2026-07-28';
}
