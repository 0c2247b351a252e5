import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';

/** A JSON-RPC error that the server itself has answered. */
export interface Refusal {
  readonly code: number;
  /** In the server's words. */
  readonly message: string;
  readonly data?: unknown;
}

/**
 * What the server has answered instead of a result; undefined where the error is not the server's. The SDK's own errors
 * share the codes -32000 and -32001 with servers that use them for anything: the text tells.
 */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof McpError) || error.data instanceof Error) return undefined;
  const { code, message, data } = error;
  if (isRequestTimeout(error)) return undefined;
  if (code === ErrorCode.ConnectionClosed && message.endsWith(': Connection closed')) return undefined;
  return { code, message: message.replace(/^MCP error -?\d+: /, ''), ...(data !== undefined && { data }) };
}

/** Whether a request was not answered in the time that it had. */
export function isRequestTimeout(error: unknown): boolean {
  return (
    error instanceof McpError &&
    error.code === ErrorCode.RequestTimeout &&
    error.message.endsWith(': Request timed out')
  );
}
