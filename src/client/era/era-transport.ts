import type { TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  LATEST_PROTOCOL_VERSION,
  type MessageExtraInfo,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import type { ClientTransport } from '../connection/client-transport.js';
import { isRequest } from '../connection/message-kind.js';
import { type Discovered, Discovery } from './discovery.js';
import type { ClientIdentity } from './newer-protocol.js';
import { NewerSession } from './newer-session.js';
import { standardHeaders } from './standard-headers.js';

/** The two generations of MCP: with sessions (up to 2025-11-25), and without (from 2026-07-28). */
export type Era = 'older' | 'newer';

/**
 * A connection that finds out which generation its server speaks. The client begins as the older one wants; a server of
 * the newer one is asked first, and then spoken to in its own words.
 */
export class EraTransport implements ClientTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  onanswerend?: (id: RequestId) => void;
  /** What carries the messages. */
  readonly wire: ClientTransport;
  readonly #discoverTimeoutMs: number;
  readonly #discovery: Discovery;
  readonly #controllers = new Map<RequestId, AbortController>();
  #session: NewerSession | undefined;
  #isDiscovering = false;

  /** @param discoverTimeoutMs 0 to take the server for one of the older generation */
  constructor(wire: ClientTransport, discoverTimeoutMs: number) {
    this.wire = wire;
    this.#discoverTimeoutMs = discoverTimeoutMs;
    this.#discovery = new Discovery(
      message => wire.send(message),
      id => this.#controllers.get(id)?.abort(),
      () => wire.isAuthorizing?.() === true,
    );
  }

  /** What the server has turned out to speak. */
  get era(): Era {
    return this.#session === undefined ? 'older' : 'newer';
  }

  followTask(taskId: string, wanted: boolean): void {
    this.#session?.followTask(taskId, wanted);
  }

  get sessionId(): string | undefined {
    return this.#session === undefined ? this.wire.sessionId : undefined;
  }

  setProtocolVersion(version: string): void {
    // The newer protocol says its version in each message.
    if (this.#session === undefined) this.wire.setProtocolVersion?.(version);
  }

  start(): Promise<void> {
    const wire = this.wire;
    const noteError = wire.onerror;
    wire.onerror = error => {
      noteError?.(error);
      this.onerror?.(error);
    };
    wire.onclose = () => {
      this.#session?.close();
      this.onclose?.();
    };
    wire.onmessage = (message: JSONRPCMessage, extra?: MessageExtraInfo) => this.#receive(message, extra);
    wire.onanswerend = id => {
      const ended = this.#session === undefined ? id : this.#session.streamEnded(id);
      if (ended !== undefined) this.onanswerend?.(ended);
    };
    wire.extendRequests?.(message => this.#httpRequest(message));
    return wire.start();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (isRequest(message) && message.method === 'initialize') return this.#initialize(message, options);
    return this.#session === undefined ? this.wire.send(message, options) : this.#session.send(message);
  }

  close(): Promise<void> {
    this.#session?.close();
    return this.wire.close();
  }

  async #initialize(request: JSONRPCRequest, options: TransportSendOptions | undefined): Promise<void> {
    const { clientInfo, capabilities } = request.params as unknown as ClientIdentity;
    const discovered = await this.#discover({ clientInfo, capabilities });
    if (discovered === undefined) return this.wire.send(request, options);
    this.#session = new NewerSession({
      identity: { clientInfo, capabilities },
      capabilities: discovered.capabilities,
      send: message => this.wire.send(message),
      deliver: message => this.onmessage?.(message),
      report: error => this.onerror?.(error),
      isHttp: this.wire.extendRequests !== undefined,
    });
    this.onmessage?.({ jsonrpc: '2.0', id: request.id, result: asInitialized(discovered) });
  }

  async #discover(identity: ClientIdentity): Promise<Discovered | undefined> {
    if (this.#discoverTimeoutMs === 0) return undefined;
    this.#isDiscovering = true;
    try {
      return await this.#discovery.run(identity, this.#discoverTimeoutMs);
    } finally {
      this.#isDiscovering = false;
      this.#controllers.clear();
    }
  }

  #receive(message: JSONRPCMessage, extra: MessageExtraInfo | undefined): void {
    if (this.#discovery.takes(message)) return;
    if (this.#session === undefined) this.onmessage?.(message, extra);
    else this.#session.receive(message);
  }

  #httpRequest(message: JSONRPCMessage) {
    if (this.#session !== undefined) return this.#session.httpRequest(message);
    if (!this.#isDiscovering || !isRequest(message)) return undefined;
    const controller = new AbortController();
    this.#controllers.set(message.id, controller);
    return { headers: standardHeaders(message), signal: controller.signal };
  }
}

/** What the server would have answered to `initialize`. */
function asInitialized({ capabilities, serverInfo, instructions }: Discovered) {
  // Of the older generation's tasks there are none here.
  const { tasks: _older, ...rest } = capabilities;
  return {
    protocolVersion: LATEST_PROTOCOL_VERSION,
    capabilities: rest,
    serverInfo: serverInfo ?? { name: 'unnamed', version: '0' },
    ...(instructions !== undefined && { instructions }),
  };
}
