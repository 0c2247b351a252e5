import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { isJSONRPCNotification, type JSONRPCNotification } from '@modelcontextprotocol/sdk/types.js';

/**
 * Shows `listener` every notification that reaches the client's present transport, and leaves it to
 * the client. A handler set on the client would replace the user's own.
 */
export function tapNotifications(
  client: Client,
  listener: (notification: JSONRPCNotification) => void,
): void {
  const { transport } = client;
  const deliver = transport?.onmessage;
  if (transport === undefined || deliver === undefined) return;
  transport.onmessage = (message, extra) => {
    if (isJSONRPCNotification(message)) listener(message);
    deliver(message, extra);
  };
}
