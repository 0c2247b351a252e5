import type { TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  ErrorCode,
  type InitializeResult,
  InitializeResultSchema,
  type JSONRPCMessage,
  type JSONRPCRequest,
  McpError,
  type MessageExtraInfo,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { readTolerantly } from '../../protocols/readable-result.js';
import { isRecord } from '../../protocols/tool-result.js';
import { startTimer } from '../../time/sleep.js';
import type { OpenTransport } from '../connect/transport.js';
import { LostContactError, NotConnectedError } from './contact.js';
import { answeredId, isRequest, ownId } from './message-kind.js';
import { UnreadableAnswerError } from './unreadable-answer.js';

type Json = Readonly<Record<string, unknown>>;

const NAMELESS = { name: 'unknown', version: 'unknown' };

/** The answer to `initialize` in MCP's shape, as far as possible: null and unreadable fields are left out. */
export function readableGreeting(message: JSONRPCMessage): JSONRPCMessage {
  if (!('result' in message) || InitializeResultSchema.safeParse(message.result).success) return message;
  const { capabilities, serverInfo, ...rest } = message.result;
  const { data } = readTolerantly(InitializeResultSchema, {
    ...rest,
    capabilities: isRecord(capabilities) ? readCapabilities(capabilities) : {},
    serverInfo: { ...NAMELESS, ...(isRecord(serverInfo) && withoutNulls(serverInfo)) },
  });
  return data === undefined ? message : { ...message, result: data };
}

/** Some servers declare a capability as `true` instead of `{}`. */
function readCapabilities({ tasks, ...capabilities }: Json): Json {
  const entries = Object.entries(capabilities).map(([name, value]) => [name, value === true ? {} : value]);
  return { ...Object.fromEntries(entries), ...(tasks !== undefined && { tasks: objectsForTrue(tasks) }) };
}

/** Replaces `true` by `{}` everywhere: no part of the capability `tasks` is a boolean. */
function objectsForTrue(value: unknown): unknown {
  if (value === true) return {};
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, objectsForTrue(inner)]));
}

function withoutNulls(record: Json): Json {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

/** The receiver of what arrives over a link. */
export interface LinkListener {
  onMessage(message: JSONRPCMessage, extra: MessageExtraInfo | undefined, link: Link): void;
  onError(error: Error): void;
  onClose(link: Link): void;
  /** The answer to a request has broken off. */
  onCut(id: RequestId, cause: Error, link: Link): void;
}

/** How long after the end of an answer's stream its last message may still arrive. */
const CUT_AFTER_MS = 100;

/** One connection to a server, with the requests of each side that the other has yet to answer. */
export class Link {
  readonly transport: OpenTransport['transport'];
  readonly evidence: OpenTransport['evidence'];
  /** Our requests that the server has not answered. */
  readonly waiting = new Set<RequestId>();
  /** The server's requests that we have not answered. */
  readonly asked = new Set<RequestId>();
  isClosed = false;
  /** The id of the `initialize` that opened the session. */
  #greetingId: RequestId | undefined;
  #greeted: { resolve(message: JSONRPCMessage): void; reject(error: Error): void } | undefined;

  constructor({ transport, evidence }: OpenTransport, listener: LinkListener) {
    this.transport = transport;
    this.evidence = evidence;
    const noteError = transport.onerror;
    transport.onerror = error => {
      noteError?.(error);
      listener.onError(error);
    };
    transport.onclose = () => {
      if (this.isClosed) return;
      this.isClosed = true;
      this.#greeted?.reject(new McpError(ErrorCode.ConnectionClosed, 'Connection closed'));
      listener.onClose(this);
    };
    transport.onmessage = (given: JSONRPCMessage, extra?: MessageExtraInfo) => {
      const id = answeredId(given);
      const message = id !== undefined && id === this.#greetingId ? readableGreeting(given) : given;
      if (this.#isForUs(message)) listener.onMessage(message, extra, this);
    };
    transport.onanswerend = (id, cause = new LostContactError('the answer broke off')) => {
      if (!this.waiting.has(id)) return;
      const cut = () => this.waiting.delete(id) && listener.onCut(id, cause, this);
      startTimer(CUT_AFTER_MS, cut, { unref: true });
    };
  }

  async ask(request: JSONRPCRequest, options: TransportSendOptions | undefined): Promise<void> {
    if (request.method === 'initialize') this.#greetingId = request.id;
    this.waiting.add(request.id);
    try {
      await this.transport.send(request, options);
    } catch (error) {
      // The loss of this request has been reported already.
      if (this.waiting.delete(request.id)) throw error;
    }
  }

  /** Opens a session as another connection did, for the same client. */
  async greet(greeting: JSONRPCRequest): Promise<InitializeResult> {
    const id = ownId();
    this.#greetingId = id;
    const answered = new Promise<JSONRPCMessage>((resolve, reject) => {
      this.#greeted = { resolve, reject };
    });
    answered.catch(() => {});
    if (this.isClosed) throw new McpError(ErrorCode.ConnectionClosed, 'Connection closed');
    await this.transport.send({ ...greeting, id });
    const answer = await answered;
    if ('error' in answer) throw new McpError(answer.error.code, answer.error.message);
    const result = InitializeResultSchema.parse('result' in answer ? answer.result : undefined);
    this.transport.setProtocolVersion?.(result.protocolVersion);
    await this.transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return result;
  }

  /** Closes the connection from our side without calling `onClose`. Never rejects. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.#greeted?.reject(new McpError(ErrorCode.ConnectionClosed, 'Connection closed'));
    await this.transport.close().catch(() => {});
  }

  /** Fails what is not answered: the answers can no longer come. */
  failWaiting(cause: unknown, deliver: (message: JSONRPCMessage) => void): void {
    for (const id of this.waiting) deliver(lostAnswer(id, cause));
    this.waiting.clear();
  }

  /** Whether the client gets the message: it gets no late answers and no answer to our own `initialize`. */
  #isForUs(message: JSONRPCMessage): boolean {
    if (isRequest(message)) this.asked.add(message.id);
    const id = answeredId(message);
    if (id === this.#greetingId) this.#greeted?.resolve(message);
    return id === undefined || this.waiting.delete(id);
  }
}

/** Whether an error says by its class what became of a request; any other means that contact was lost. */
function isExplained(cause: unknown): boolean {
  return [LostContactError, NotConnectedError, UnreadableAnswerError, SyntaxError, z.core.$ZodError].some(
    Class => cause instanceof Class,
  );
}

/** What the SDK gets instead of an answer; its error carries ours as `data`. */
export function lostAnswer(id: RequestId, cause: unknown): JSONRPCMessage {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const data = isExplained(cause) ? cause : new LostContactError(reason, { cause });
  return {
    jsonrpc: '2.0',
    id,
    error: { code: ErrorCode.ConnectionClosed, message: 'Connection lost', data },
  };
}
