import type { ServerResponse } from 'node:http';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { startTimer } from '../../time/sleep.js';

/** Shorter than the idle time after which common proxies cut a connection. */
const PING_MS = 15_000;

/** What a client has not read yet, at most: one that does not read is given up. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024;

/** Sends a message on a response, which becomes an event stream with the first (HTML standard, "Server-sent events"). */
export function sendEvent(response: ServerResponse, message: JSONRPCMessage): void {
  if (response.destroyed || response.writableEnded) return;
  if (!response.headersSent) {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
  }
  response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
}

/** Keeps a stream alive that may be silent for long: a comment now and then, from the moment it is one. */
export function keepAlive(response: ServerResponse, pingMs = PING_MS): void {
  const ping = () => {
    stop = startTimer(pingMs, ping, { unref: true });
    if (isOpenStream(response)) response.write(': keep-alive\n\n');
  };
  let stop = startTimer(pingMs, ping, { unref: true });
  response.once('close', () => stop());
}

function isOpenStream(response: ServerResponse): boolean {
  const type = String(response.getHeader('content-type') ?? '');
  return response.headersSent && !response.writableEnded && type.startsWith('text/event-stream');
}
