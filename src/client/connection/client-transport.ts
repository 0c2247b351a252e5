import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';

/** What a message of revision 2026-07-28 adds to the HTTP request that carries it. */
export interface RequestExtension {
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the request. */
  readonly signal: AbortSignal;
}

/** What to add for a message; undefined where it goes as it is. */
export type RequestExtender = (message: JSONRPCMessage) => RequestExtension | undefined;

/** A transport that tells when the stream that answers a request has ended, whether it brought the answer or not. */
export interface ClientTransport extends Transport {
  onanswerend?: ((id: RequestId, cause?: Error) => void) | undefined;
  /** Over HTTP: from now on asks what to add to the request that carries a message. */
  extendRequests?(extend: RequestExtender): void;
  /** Whether the server is to tell of a task, where it tells only what it is asked to. */
  followTask?(taskId: string, wanted: boolean): void;
  /** Whether a token is being asked for, which may take longer than an answer. */
  isAuthorizing?(): boolean;
}
