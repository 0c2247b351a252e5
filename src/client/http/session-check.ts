import { ErrorCode, type JSONRPCMessage, type JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { atMost } from '../../time/at-most.js';
import { sleep } from '../../time/sleep.js';
import type { HttpAnswer } from './answer.js';
import { bodyText, errorTextOf, eventsOf, mediaTypeOf } from './body.js';
import { httpMessagesIn, speaksOfSession } from './messages.js';

const PING: JSONRPCRequest = { jsonrpc: '2.0', id: 'mcp-await-session-check', method: 'ping' };
const LIMIT_MS = 10_000;
const MAX_BYTES = 64 * 1024;
const GONE = new Set([404, 410]);

/**
 * Whether the server still knows the session. An error that speaks of one may mean a session of the tool's own, such as a
 * browser's; a `ping` has no such session. If the check fails, the session counts as alive.
 */
export async function isSessionAlive(
  post: (ping: JSONRPCRequest, signal: AbortSignal) => Promise<HttpAnswer>,
): Promise<boolean> {
  const limit = new AbortController();
  const check = async () => {
    const response = await post(PING, limit.signal);
    if (!response.ok) return !GONE.has(response.status) && !speaksOfSession(await errorTextOf(response));
    const answer = await answerIn(response);
    return !(answer !== undefined && 'error' in answer && isAboutSession(answer.error));
  };
  return atMost(check(), LIMIT_MS)
    .catch(() => true)
    .finally(() => limit.abort());
}

function isAboutSession({ code, message }: { readonly code: number; readonly message: string }): boolean {
  return code !== ErrorCode.MethodNotFound && speaksOfSession(message);
}

async function answerIn(response: HttpAnswer): Promise<JSONRPCMessage | undefined> {
  if (mediaTypeOf(response) !== 'text/event-stream')
    return httpMessagesIn(await bodyText(response, MAX_BYTES)).find(isPong);
  for await (const { data } of eventsOf(response, { maxBytes: MAX_BYTES })) {
    const answer = data === '' ? undefined : httpMessagesIn(data).find(isPong);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function isPong(message: JSONRPCMessage): boolean {
  return 'id' in message && message.id === PING.id;
}

/** With these a gateway answers for a server that is not there yet. */
const STARTING = new Set([502, 503, 504]);
/** Between the requests that open a session: they have no effect that lasts. */
const STARTING_DELAYS_MS = [500, 1000, 1500];

/** The answer to a request that opens a session, which a server that has just been started may not take yet. */
export async function untilStarted(ask: () => Promise<HttpAnswer>, signal: AbortSignal): Promise<HttpAnswer> {
  for (const delayMs of STARTING_DELAYS_MS) {
    const response = await ask();
    if (!STARTING.has(response.status)) return response;
    await response.body.cancel();
    await sleep(delayMs, signal);
  }
  return ask();
}
