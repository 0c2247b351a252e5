import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { RequestExtender } from '../connection/client-transport.js';
import type { Requests } from './requests.js';

/** The receiver of what arrives from the server. */
export interface WireListener {
  readonly deliver: (message: JSONRPCMessage) => void;
  readonly report: (error: unknown) => void;
  /** What answers a request is over. @param cause why it did not bring the answer */
  readonly answerEnded: (id: RequestId, cause?: Error) => void;
  /** The connection is gone, and its session with it. */
  readonly closed: () => void;
}

export interface WireOptions {
  readonly requests: Requests;
  readonly listener: WireListener;
  readonly extend: RequestExtender;
  /** Of one answer, in decoded bytes. */
  readonly maxAnswerBytes: number;
}

/** One way of carrying MCP over HTTP. */
export interface HttpWire {
  readonly sessionId: string | undefined;
  /** Where the revision has a header for it. */
  setProtocolVersion?(version: string): void;
  /** @throws StreamableHTTPError when the server refuses the message, or what the connection fails with */
  send(message: JSONRPCMessage): Promise<void>;
  /** Takes leave of the server. */
  close(): Promise<void>;
}
