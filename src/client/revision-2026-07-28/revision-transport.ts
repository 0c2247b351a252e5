import type { TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  LATEST_PROTOCOL_VERSION,
  type MessageExtraInfo,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { AwaitError } from '../../errors.js';
import { startTimer } from '../../time/sleep.js';
import type { ClientTransport } from '../connection/client-transport.js';
import { answeredId, asSent, isRequest } from '../connection/message-kind.js';
import { depthProblem, unreadableAnswer } from '../connection/unreadable-answer.js';
import {
  type Discovered,
  Discovery,
  sendUnlessPostponed,
  type VersionRefusal,
  versionsAfter,
} from './discovery.js';
import { RevisionSession } from './revision-session.js';
import { type ClientIdentity, standardHeaders } from './revision-wire.js';

/** The two revisions of MCP: with sessions (up to 2025-11-25), and without (from 2026-07-28). */
export type Revision = '2025-11-25' | '2026-07-28';

export interface RevisionOptions {
  /** How long a server may take to say that it is of revision 2026-07-28; 0 to take it for one of 2025-11-25 at once. */
  readonly discoverTimeoutMs: number;
  /** Opens a new wire to a server that exited because of `server/discover`; undefined if that is impossible. */
  readonly another?: (() => ClientTransport) | undefined;
}

const ANSWER_AFTER_END_MS = 100;

/** What came of sending `initialize`. */
type GreetingEnd =
  | { readonly answer: JSONRPCMessage; readonly extra?: MessageExtraInfo | undefined }
  | 'closed';

/**
 * A connection that finds out which revision its server speaks. The client sends `initialize` of revision 2025-11-25; this
 * transport asks `server/discover` first, and translates for a server that answers it.
 */
export class RevisionTransport implements ClientTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  onanswerend?: (id: RequestId, cause?: Error) => void;
  readonly #options: RevisionOptions;
  readonly #discovery: Discovery;
  readonly #controllers = new Map<RequestId, AbortController>();
  readonly #closing = new AbortController();
  #wire: ClientTransport;
  #session: RevisionSession | undefined;
  #isDiscovering = false;
  /** Whether a server that exits now may have done so because of `server/discover`. */
  #mayRenew = false;
  #isWireOver = false;
  #greeting: { readonly id: RequestId; readonly end: (end: GreetingEnd) => void } | undefined;

  constructor(wire: ClientTransport, options: RevisionOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#discovery = new Discovery({
      send: message => sendUnlessPostponed(() => this.#wire.send(message), this.#closing.signal),
      drop: id => this.#controllers.get(id)?.abort(),
      isAuthorizing: () => this.#wire.isAuthorizing?.() === true,
    });
  }

  /** What carries the messages. */
  get wire(): ClientTransport {
    return this.#wire;
  }

  /** What the server has turned out to speak. */
  get revision(): Revision {
    return this.#session === undefined ? '2025-11-25' : '2026-07-28';
  }

  followTask(taskId: string, wanted: boolean): void {
    this.#session?.followTask(taskId, wanted);
  }

  get sessionId(): string | undefined {
    return this.#session === undefined ? this.#wire.sessionId : undefined;
  }

  setProtocolVersion(version: string): void {
    // Revision 2026-07-28 says its version in each message.
    if (this.#session === undefined) this.#wire.setProtocolVersion?.(version);
  }

  start(): Promise<void> {
    const wire = this.#wire;
    const noteError = wire.onerror;
    wire.onerror = error => {
      noteError?.(error);
      this.onerror?.(error);
    };
    wire.onclose = () => {
      if (wire === this.#wire) this.#closed();
    };
    wire.onmessage = (message: JSONRPCMessage, extra?: MessageExtraInfo) => {
      if (wire === this.#wire) this.#receive(message, extra);
    };
    wire.onanswerend = (id, cause) => this.#streamEnded(id, cause);
    wire.extendRequests?.(message => this.#httpRequest(message));
    return wire.start();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (isRequest(message) && message.method === 'initialize') return this.#initialize(message, options);
    return this.#session === undefined ? this.#wire.send(message, options) : this.#session.send(message);
  }

  close(): Promise<void> {
    this.#closing.abort(new Error('Connection closed'));
    this.#mayRenew = false;
    this.#session?.close();
    this.#greeting?.end('closed');
    return this.#wire.close();
  }

  async #initialize(request: JSONRPCRequest, options: TransportSendOptions | undefined): Promise<void> {
    const { clientInfo, capabilities } = request.params as unknown as ClientIdentity;
    const discovered = await this.#discover({ clientInfo, capabilities });
    if (discovered === undefined) return this.#greet(request, options);
    this.#mayRenew = false;
    this.#session = new RevisionSession({
      identity: { clientInfo, capabilities },
      capabilities: discovered.capabilities,
      send: message => this.#wire.send(message),
      deliver: message => this.onmessage?.(message),
      report: error => this.onerror?.(error),
      isHttp: this.#wire.extendRequests !== undefined,
    });
    this.onmessage?.({ jsonrpc: '2.0', id: request.id, result: asInitialized(discovered) });
  }

  async #discover(identity: ClientIdentity): Promise<Discovered | undefined> {
    const { discoverTimeoutMs, another } = this.#options;
    if (discoverTimeoutMs === 0) return undefined;
    this.#isDiscovering = true;
    this.#mayRenew = another !== undefined;
    try {
      return await this.#discovery.run(identity, discoverTimeoutMs);
    } finally {
      this.#isDiscovering = false;
      this.#controllers.clear();
    }
  }

  /**
   * Sends `initialize`: to a new process if the old one exited because of `server/discover`, and with an older version if
   * this one is refused.
   */
  async #greet(request: JSONRPCRequest, options: TransportSendOptions | undefined): Promise<void> {
    const tried: string[] = [];
    for (let version = String(request.params?.protocolVersion); ; ) {
      tried.push(version);
      const params = { ...request.params, protocolVersion: version };
      const end = await this.#greetOnce({ ...request, params }, options).catch(error => ({ error }));
      this.#closing.signal.throwIfAborted();
      const refusal = refusalIn(end);
      const next = refusal && versionsAfter(refusal, tried)[0];
      if (next !== undefined) {
        version = next;
      } else if (refusal !== undefined && this.#mayRenew) {
        await this.#renew();
        tried.pop();
      } else if (end === 'closed') {
        this.onclose?.();
        return;
      } else if ('error' in end) {
        throw end.error;
      } else {
        this.#mayRenew = false;
        this.onmessage?.(end.answer, end.extra);
        return;
      }
    }
  }

  async #greetOnce(request: JSONRPCRequest, options: TransportSendOptions | undefined): Promise<GreetingEnd> {
    if (this.#isWireOver) return 'closed';
    const ended = new Promise<GreetingEnd>(end => {
      this.#greeting = { id: request.id, end };
    });
    const send = () => this.#wire.send(request, options);
    try {
      // An answer that comes while the transport is still sending counts.
      const sent = sendUnlessPostponed(send, this.#closing.signal).then(() => ended);
      return await Promise.race([sent, ended]);
    } finally {
      this.#greeting = undefined;
    }
  }

  async #renew(): Promise<void> {
    const { another } = this.#options;
    this.#mayRenew = false;
    const former = this.#wire;
    if (another === undefined) return;
    this.#wire = another();
    this.#isWireOver = false;
    await former.close();
    this.#closing.signal.throwIfAborted();
    await this.start();
  }

  #closed(): void {
    this.#isWireOver = true;
    this.#session?.close();
    this.#discovery.end();
    if (this.#greeting !== undefined) this.#greeting.end('closed');
    else if (!this.#isDiscovering) this.onclose?.();
  }

  #streamEnded(id: RequestId, cause: Error | undefined): void {
    const greeting = this.#greeting;
    if (greeting?.id === id) {
      // Its answer may still come, and then perhaps be sent again with another version.
      const forward = () => this.#greeting === greeting && this.onanswerend?.(id, cause);
      startTimer(ANSWER_AFTER_END_MS, forward, { unref: true });
      return;
    }
    const ended = this.#session === undefined ? id : this.#session.streamEnded(id);
    if (ended !== undefined) this.onanswerend?.(ended, cause);
  }

  #receive(received: JSONRPCMessage, extra: MessageExtraInfo | undefined): void {
    const message = readable(received);
    if (message instanceof Error) {
      this.onerror?.(message);
      return;
    }
    if (this.#discovery.takes(message)) return;
    if (this.#greeting !== undefined && answers(message, this.#greeting.id))
      this.#greeting.end({ answer: message, extra });
    else if (this.#session === undefined) this.onmessage?.(message, extra);
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

/** A message as the client may have it: with the id of its request as it was sent, and not too deep. */
function readable(message: JSONRPCMessage): JSONRPCMessage | Error {
  const sentId = answeredId(message);
  const problem = depthProblem(message);
  if (problem !== undefined)
    return sentId === undefined ? problem : unreadableAnswer(asSent(sentId), problem);
  return typeof sentId === 'string' ? ({ ...message, id: asSent(sentId) } as JSONRPCMessage) : message;
}

/** Whether it answers the only request that there is: an error may have no id, when the server could not read it. */
function answers(message: JSONRPCMessage, id: RequestId): boolean {
  return !('method' in message) && (message.id === id || message.id === undefined);
}

/** How `initialize` was refused, in the words of the server; undefined where it was taken. */
function refusalIn(end: GreetingEnd | { readonly error: unknown }): VersionRefusal | undefined {
  if (end === 'closed') return { message: '' };
  if ('error' in end && end.error instanceof AwaitError) return undefined;
  if ('error' in end) return { message: end.error instanceof Error ? end.error.message : String(end.error) };
  return 'error' in end.answer ? end.answer.error : undefined;
}

/** What the server would have answered to `initialize`. */
function asInitialized({ capabilities, serverInfo, instructions }: Discovered) {
  // Of revision 2025-11-25's tasks there are none here.
  const { tasks: _older, ...rest } = capabilities;
  return {
    protocolVersion: LATEST_PROTOCOL_VERSION,
    capabilities: rest,
    serverInfo: serverInfo ?? { name: 'unnamed', version: '0' },
    ...(instructions !== undefined && { instructions }),
  };
}
