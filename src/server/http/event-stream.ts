import type { ServerResponse } from 'node:http';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { repeat } from '../../time/repeat.js';

/** Shorter than the idle time after which common proxies cut a connection. */
export const PING_MS = 15_000;

/** What a client has not read yet, at most: one that does not read is given up. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Sends a message on a response, which becomes an event stream with the first (HTML standard, "Server-sent events"). */
export function sendEvent(response: ServerResponse, message: JSONRPCMessage): void {
  if (response.destroyed || response.writableEnded) return;
  if (!response.headersSent) {
    // What is given to writeHead could not be read again.
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.writeHead(200);
  }
  // What was sent before is still unread: one message may be longer than that.
  if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  else response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
}

/** Keeps a stream alive that may be silent for long: a comment now and then, from the moment it is one. */
export function keepAlive(response: ServerResponse, pingMs = PING_MS): void {
  const stop = repeat(async () => {
    if (isOpenStream(response)) response.write(': keep-alive\n\n');
  }, pingMs);
  response.once('close', () => void stop());
}

function isOpenStream(response: ServerResponse): boolean {
  const isStream = response.getHeader('content-type') === HEADERS['content-type'];
  return isStream && response.headersSent && !response.writableEnded;
}
