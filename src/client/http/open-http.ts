import { authorizationOf } from '../authorization/authorization.js';
import type { HttpEndpoint } from './http-target.js';
import { HttpTransport } from './http-transport.js';
import { openAgent } from './open-agent.js';
import { Requests } from './requests.js';

/** @param maxAnswerBytes of one answer, in decoded bytes */
export async function openHttpTransport(
  { url: where, headers, authProvider, type }: HttpEndpoint,
  maxAnswerBytes: number,
): Promise<HttpTransport> {
  const { fetch } = await import('undici');
  const url = new URL(where);
  const authorization = authProvider && authorizationOf(authProvider, url);
  const requests = new Requests({
    url,
    headers: headers ?? {},
    fetch,
    agent: await openAgent(url),
    authorize: authorization && ((send, isLast) => authorization.send(send, isLast)),
  });
  return new HttpTransport({
    requests,
    maxAnswerBytes,
    isLegacy: type === 'sse',
    isAuthorizing: () => authorization?.isUnderWay === true,
  });
}
