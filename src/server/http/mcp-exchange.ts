import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that has passed every guard. */
export interface McpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly principal: string;
  /** The parsed body of a POST. */
  readonly body: unknown;
}
