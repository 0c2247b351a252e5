import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Dispatcher } from 'undici';
import { startTimer } from '../../time/sleep.js';
import { messageOf } from '../faults/failure.js';
import { openAgent } from '../http/proxy.js';

/** An authorization server gives no answer at present. No `TypeError`, which the SDK takes for a browser's refusal. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

const MAX_MS = 30_000;
const MAX_BYTES = 1024 * 1024;
/** Statuses by which a gateway says that the server cannot answer now. */
const AT_PRESENT = new Set([429, 502, 503, 504]);
const WITHOUT_BODY = new Set([101, 204, 205, 304]);

/**
 * A fetch for authorization servers, which are strangers: it ends in time, and reads no more than such an answer needs.
 * @param onTrouble told of a request that may well succeed later: the SDK goes on as if there were no such server
 */
export function limitedFetch(onTrouble: (trouble: NoAnswerError) => void): FetchLike {
  return async (input, init) => {
    const where = new URL(input).host;
    const fail = (why: string): never => {
      const trouble = new NoAnswerError(`${where} ${why}`);
      onTrouble(trouble);
      throw trouble;
    };
    const limit = new AbortController();
    const agent = await openAgent(new URL(input));
    const stop = startTimer(MAX_MS, () => limit.abort(new Error('it took too long')), { unref: true });
    try {
      const response = await throughProxy(agent, input, { ...init, signal: limit.signal });
      const { status, headers } = response;
      if (AT_PRESENT.has(status) || (status >= 500 && init?.method === 'POST')) {
        await response.body?.cancel();
        return fail(`answered HTTP ${status}`);
      }
      const body = WITHOUT_BODY.has(status) ? null : await beginningOf(response);
      return new Response(body, { status, headers });
    } catch (error) {
      if (error instanceof NoAnswerError) throw error;
      return fail(`could not be reached (${messageOf(error)})`);
    } finally {
      stop();
      void agent.destroy();
    }
  };
}

async function throughProxy(
  dispatcher: Dispatcher,
  input: string | URL,
  init: RequestInit,
): Promise<Response> {
  const { fetch } = await import('undici');
  // undici's types of fetch are its own; the implementation is the one that Node ships.
  return (await fetch(input, { ...(init as object), dispatcher })) as unknown as Response;
}

async function beginningOf({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`its answer is longer than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
