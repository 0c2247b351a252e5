import { authorizationOf } from '../authorization/authorization.js';
import type { HttpTarget } from './http-target.js';
import { HttpTransport } from './http-transport.js';
import { Requests } from './requests.js';

/** @param maxAnswerBytes of one answer, in decoded bytes */
export async function openHttpTransport(
  { url: where, headers, authProvider, type }: HttpTarget,
  maxAnswerBytes: number,
): Promise<HttpTransport> {
  const { Agent, fetch } = await import('undici');
  const url = new URL(where);
  const authorization = authProvider && authorizationOf(authProvider, url);
  const requests = new Requests({
    url,
    headers: headers ?? {},
    fetch,
    // How long to wait is for our options to say: undici's own limit of 300 s would cut a silent answer.
    agent: new Agent({ headersTimeout: 0, bodyTimeout: 0 }),
    authorize: authorization && ((send, isLast) => authorization.send(send, isLast)),
  });
  return new HttpTransport({
    requests,
    maxAnswerBytes,
    isLegacy: type === 'sse',
    isAuthorizing: () => authorization?.isUnderWay === true,
  });
}
