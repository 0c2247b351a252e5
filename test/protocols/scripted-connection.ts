import { sdkPort } from '../../src/client/sdk/sdk-port.js';
import { type Script, ScriptedServer } from '../fixtures/client/scripted-server.js';
import type { Connection } from './conformance.js';

/** A connection to a scripted server for the conformance suite. */
export async function openScripted(
  tools: Readonly<Record<string, Script>>,
  cancelTool?: string,
): Promise<Connection> {
  const server = await ScriptedServer.connect(tools);
  return {
    port: sdkPort(server.client),
    requestCount: () => server.calls.length,
    cancelledRequestCount: () => server.count('notifications/cancelled'),
    cancelledTaskCount: () => server.calls.filter(call => call.tool === cancelTool).length,
  };
}
