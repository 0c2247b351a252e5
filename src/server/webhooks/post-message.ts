import type { LookupFunction } from 'node:net';
import { formatDuration } from '../../time/duration.js';
import { parseRetryAfter } from '../../time/retry-after.js';
import { linkSignals } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import { VERSION } from '../../version.js';
import { causeCode, causes } from '../outbound/failure-causes.js';
import { createGuardedAgent } from '../outbound/guarded-agent.js';
import { privateRefusal } from './destination.js';

export interface PostOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether the receiver may have an address that is not public. */
  readonly allowPrivate: boolean;
  readonly lookup: LookupFunction;
  /** For the whole request, to the status of its answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type PostResult =
  | { readonly status: 'delivered'; readonly responseStatus: number }
  | {
      readonly status: 'failed';
      readonly responseStatus?: number;
      /** Names the host, never path or query. */
      readonly error: string;
      /** Whether another attempt makes sense. */
      readonly retryable: boolean;
      readonly retryAfterMs?: number | undefined;
    };

/**
 * Sends one message. Anything but a 2xx answer is a failure, a redirect too; the body of the answer is not read.
 * @throws the signal's reason when it aborts
 */
export async function postMessage(options: PostOptions): Promise<PostResult> {
  const { url, headers, body, allowPrivate, lookup, timeoutMs, signal } = options;
  // With the first message, not with the server.
  const { fetch } = await import('undici');
  const timeout = new AbortController();
  const stopTimer = startTimer(timeoutMs, () => timeout.abort());
  const agent = await createGuardedAgent({
    publicOnly: !allowPrivate,
    lookup,
    refuse: (hostname, range) => new DestinationRefused(privateRefusal(hostname, range)),
  });
  using linked = linkSignals(signal, timeout.signal);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': `mcp-await/${VERSION}` },
      body,
      redirect: 'manual',
      dispatcher: agent,
      signal: linked.signal,
    });
    if (response.ok) return { status: 'delivered', responseStatus: response.status };
    return {
      status: 'failed',
      responseStatus: response.status,
      error: `${url.host} answered with status ${response.status}`,
      // Standard Webhooks 1.0.0: with 410 Gone the receiver asks for no more.
      retryable: response.status !== 410,
      retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), Date.now()),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.signal.aborted) {
      const message = `${url.host} did not answer within ${formatDuration(timeoutMs)}`;
      return { status: 'failed', error: message, retryable: true };
    }
    const refused = causes(error).find(cause => cause instanceof DestinationRefused);
    if (refused instanceof DestinationRefused) {
      return { status: 'failed', error: refused.message, retryable: false };
    }
    return { status: 'failed', error: `${url.host} was not reached: ${causeCode(error)}`, retryable: true };
  } finally {
    stopTimer();
    await agent.destroy();
  }
}

class DestinationRefused extends Error {}
