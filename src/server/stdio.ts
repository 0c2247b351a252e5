import type { Readable, Writable } from 'node:stream';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CancelledNotificationSchema,
  isJSONRPCRequest,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  JSONRPCRequestSchema,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { jsonParts } from '../storage/large-json.js';
import { ChangeNotice } from '../time/change-notice.js';
import { describeIssues } from './describe-issues.js';
import { isJsonObject, withoutNulls } from './is-record.js';
import { RequestError } from './request-error.js';
import { StdioChannel, type StdioChannelOptions } from './revision-2026-07-28/stdio-channel.js';
import { errorMessage } from './revision-2026-07-28/wire.js';

/** The two ends of the line to the one client. */
export interface StdioStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Arguments of a call may be as large as a result that this server keeps. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** JSON-RPC, "Error object". */
const INVALID_REQUEST = -32600;

export interface StdioService extends Omit<StdioChannelOptions, 'send'> {
  /** Serves the session that a client of a version up to 2025-11-25 opens. */
  readonly server: Server;
}

/** Serves one client over a pair of streams. The answer settles when that client has gone and has all its answers. */
export async function serveStdio(
  { server, ...service }: StdioService,
  { input, output }: StdioStreams,
): Promise<{ gone: Promise<void> }> {
  const transport: Transport = new LineTransport(input, output);
  const broken = new Promise<void>(resolve => {
    // One that has ended closes too, and may still read its answers.
    const onClose = () => input.readableEnded || resolve();
    if (input.closed) onClose();
    else input.once('close', onClose);
    // A client that was killed leaves a broken pipe; that is a way of going, not a crash.
    output.on('error', () => resolve());
    // The transport closes itself on a message beyond its limit; nothing more can be heard then.
    const { onclose } = server;
    server.onclose = () => {
      onclose?.();
      resolve();
    };
  });
  // A client may have closed its side before anybody has listened.
  const ended = input.readableEnded
    ? Promise.resolve()
    : new Promise<void>(resolve => input.once('end', resolve));
  await server.connect(transport);
  const channel = shareLine(transport, service);
  const answered = watchAnswers(transport);
  const allSaid = ended.then(() => {
    // Nobody would end them any more.
    channel.close();
    return answered();
  });
  return { gone: Promise.race([broken, allSaid]).finally(() => server.close()) };
}

const LINE_END = 0x0a;

/**
 * The line to the client, one message in each line. A request that the SDK cannot read gets an answer; its own transport drops
 * it, and a client would wait for the answer for ever.
 */
class LineTransport implements Transport {
  onmessage?: NonNullable<Transport['onmessage']>;
  onerror?: (error: Error) => void;
  onclose?: () => void;
  readonly #input: Readable;
  readonly #output: Writable;
  /** The beginning of a message whose end has not come. */
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #written = Promise.resolve();

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#read).on('end', this.#readLast).on('error', this.#fail);
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#written = this.#written.then(() => writeMessage(message, this.#output));
    return this.#written;
  }

  async close(): Promise<void> {
    this.#input.off('data', this.#read).off('end', this.#readLast).off('error', this.#fail).pause();
    this.#unread = [];
    this.onclose?.();
  }

  readonly #fail = (error: Error): void => this.onerror?.(error);

  readonly #read = (chunk: Buffer): void => {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      this.#unread.push(chunk.subarray(from, end));
      from = end + 1;
      this.#readLast();
    }
    if (from === chunk.length) return;
    this.#unread.push(chunk.subarray(from));
    this.#unreadBytes += chunk.length - from;
    if (this.#unreadBytes <= MAX_MESSAGE_BYTES) return;
    this.#fail(new Error(`A message is longer than ${MAX_MESSAGE_BYTES} bytes`));
    void this.close();
  };

  /** What has come of a line is all of it. */
  readonly #readLast = (): void => {
    const line = Buffer.concat(this.#unread).toString().trim();
    this.#unread = [];
    this.#unreadBytes = 0;
    if (line === '') return;
    try {
      const value: unknown = JSON.parse(line);
      // Revision 2025-03-26 has batches.
      for (const each of Array.isArray(value) ? value : [value]) this.#hear(each);
    } catch (error) {
      this.#fail(error as Error);
    }
  };

  #hear(value: unknown): void {
    const { data: message, error } = JSONRPCMessageSchema.safeParse(withoutNulls(value));
    if (message !== undefined) {
      this.onmessage?.(message);
      return;
    }
    this.#fail(error);
    if (!isJsonObject(value) || value.method === undefined || value.id === undefined) return;
    const id = typeof value.id === 'string' || typeof value.id === 'number' ? value.id : undefined;
    const { error: wrong = error } = JSONRPCRequestSchema.safeParse(withoutNulls(value));
    const text = `The request is no valid MCP: ${describeIssues(wrong)}`;
    void this.send(errorMessage(id, new RequestError(INVALID_REQUEST, text)));
  }
}

/** Writes a message in parts, each when the one before is gone: of a large one there is no second copy. */
async function writeMessage(message: JSONRPCMessage, output: Writable): Promise<void> {
  let last = '';
  for (const part of jsonParts(message)) {
    if (last !== '') await gone(last, output);
    last = part;
  }
  await gone(`${last}\n`, output);
}

/** Settles when a text was taken, or nobody takes it any more. */
function gone(text: string, output: Writable): Promise<void> {
  return new Promise(resolve => {
    output.write(text, () => resolve());
  });
}

/** Takes the messages of revision 2026-07-28 out of what the session hears. */
function shareLine(transport: Transport, service: Omit<StdioChannelOptions, 'send'>): StdioChannel {
  const { onmessage } = transport;
  const channel = new StdioChannel({
    ...service,
    // A client that has gone reads no answer.
    send: message => void transport.send(message).catch(() => {}),
  });
  transport.onmessage = (message, ...rest) => {
    if (!channel.take({ ...message })) onmessage?.(message, ...rest);
  };
  return channel;
}

/** Watches requests and their answers; the function it returns waits until no answer is owed. */
function watchAnswers(transport: Transport): () => Promise<void> {
  const { onmessage } = transport;
  const send = transport.send.bind(transport);
  const settled = new ChangeNotice();
  const open = new Set<RequestId>();
  const settle = (id: RequestId | undefined) => {
    if (id !== undefined && open.delete(id)) settled.announce();
  };
  transport.onmessage = (message, ...rest) => {
    if (isJSONRPCRequest(message)) open.add(message.id);
    onmessage?.(message, ...rest);
    settle(cancelledRequest(message));
  };
  transport.send = async message => {
    await send(message);
    if ('id' in message && !('method' in message)) settle(message.id);
  };
  return async () => {
    while (open.size > 0) await settled.next;
  };
}

/** A request that its sender has cancelled gets no answer (spec 2025-11-25, basic/utilities/cancellation). */
function cancelledRequest(message: JSONRPCMessage): RequestId | undefined {
  return CancelledNotificationSchema.safeParse(message).data?.params.requestId;
}
