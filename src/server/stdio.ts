import type { Readable, Writable } from 'node:stream';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { isJSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { ChangeNotice } from '../time/change-notice.js';

/** The two ends of the line to the one client. */
export interface StdioStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Arguments of a call may be as large as a result that this server keeps. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Serves one client over a pair of streams. The answer settles when that client has gone and has all its answers. */
export async function serveStdio(
  server: Server,
  { input, output }: StdioStreams,
): Promise<{ gone: Promise<void> }> {
  const transport = new StdioServerTransport(input as never, output as never, {
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  const broken = new Promise<void>(resolve => {
    input.once('close', resolve);
    // A client that was killed leaves a broken pipe; that is a way of going, not a crash.
    output.on('error', () => resolve());
  });
  const ended = new Promise<void>(resolve => input.once('end', resolve));
  await server.connect(transport);
  const unanswered = countUnanswered(transport);
  return { gone: Promise.race([broken, ended.then(unanswered)]).finally(() => server.close()) };
}

/** Counts requests that wait for their answer; the function it returns waits until there is none. */
function countUnanswered(transport: StdioServerTransport): () => Promise<void> {
  const { onmessage } = transport;
  const send = transport.send.bind(transport);
  const answered = new ChangeNotice();
  let open = 0;
  transport.onmessage = (message, ...rest) => {
    if (isJSONRPCRequest(message)) open++;
    onmessage?.(message, ...rest);
  };
  transport.send = async message => {
    await send(message);
    if ('id' in message && !('method' in message)) {
      open--;
      answered.announce();
    }
  };
  return async () => {
    while (open > 0) await answered.next;
  };
}
