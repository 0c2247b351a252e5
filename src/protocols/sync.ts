import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { NotSupportedError } from '../errors.js';
import type { ToolCall } from '../types.js';
import type { Ended, Exchange, Protocol } from './protocol.js';
import { isMarkedIdempotent } from './tool-definition.js';
import { outcomeOfResult } from './tool-result.js';

/** The server answers the call itself, maybe after a long silence, maybe with progress (spec 2025-11-25, server/tools). */
export const sync: Protocol = {
  name: 'sync',
  plan: (tool: Tool) => ({
    protocol: sync,
    why: 'the server answers the call itself',
    startKind: 'blocking',
    idempotent: isMarkedIdempotent(tool),
    listed: tool,
    hiddenTools: [],
    start,
  }),
  poll: notResumable,
  cancel: notResumable,
};

async function start(call: ToolCall, exchange: Exchange): Promise<Ended> {
  const { port, signal, silenceTimeoutMs, onProgress } = exchange;
  const result: CallToolResult = await port.callTool(call, {
    signal,
    timeoutMs: silenceTimeoutMs,
    onProgress,
  });
  return { kind: 'ended', outcome: outcomeOfResult(result), raw: result };
}

async function notResumable(): Promise<never> {
  throw new NotSupportedError(
    'A synchronous call lives and dies with its request: there is nothing to resume or to cancel apart from it.',
  );
}
