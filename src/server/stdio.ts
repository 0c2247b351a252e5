import type { Readable, Writable } from 'node:stream';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CancelledNotificationSchema,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { jsonParts } from '../storage/large-json.js';
import { ChangeNotice } from '../time/change-notice.js';
import type { Offer } from './offer.js';
import { StdioChannel } from './revision-2026-07-28/stdio-channel.js';

/** The two ends of the line to the one client. */
export interface StdioStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Arguments of a call may be as large as a result that this server keeps. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface StdioService {
  /** Serves the session that a client of a version up to 2025-11-25 opens. */
  readonly server: Server;
  /** What is offered to a client of a later version. */
  readonly offer: Offer;
  readonly principal: string;
  /** Told what went wrong and was not the client's to know. */
  onError(error: unknown): void;
}

/** Serves one client over a pair of streams. The answer settles when that client has gone and has all its answers. */
export async function serveStdio(
  { server, ...service }: StdioService,
  { input, output }: StdioStreams,
): Promise<{ gone: Promise<void> }> {
  const transport = new StdioServerTransport(input as never, output as never, {
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  let written = Promise.resolve();
  transport.send = message => {
    written = written.then(() => writeMessage(message, output));
    return written;
  };
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
function shareLine(transport: StdioServerTransport, service: Omit<StdioService, 'server'>): StdioChannel {
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
function watchAnswers(transport: StdioServerTransport): () => Promise<void> {
  const { onmessage } = transport;
  const send = transport.send;
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
