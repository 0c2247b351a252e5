import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PendingExchange } from './pending-bytes.js';

/** A request that has passed every guard. */
export interface McpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly principal: string;
  /** The parsed body of a POST. */
  readonly body: unknown;
  readonly pending: PendingExchange;
}
