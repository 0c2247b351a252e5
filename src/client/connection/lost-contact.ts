import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { AwaitError } from '../../errors.js';
import { UnreadableAnswerError } from './unreadable-answer.js';

/** A request was sent and its connection was lost before the answer. */
export class LostContactError extends Error {
  override readonly name = 'LostContactError';
}

/** A request was not sent: the connection was lost, and could not be made anew this time. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}

/** HTTP statuses by which whatever stands before a server says that it cannot reach it. */
const GATEWAY_STATUSES = new Set<number | undefined>([502, 503, 504]);

/** What came was an answer, whatever is wrong with it. */
const ANSWERED = [AwaitError, SyntaxError, RangeError, UnreadableAnswerError, z.core.$ZodError];

/**
 * What a failed request tells of its connection:
 * - `gone`: the server has forgotten the session (spec 2025-11-25, basic/transports, "Session Management"), and so has
 *   not looked at the request;
 * - `lost`: there is no way to the server at present;
 * - `kept`: the server has answered.
 */
export type LostContact = 'gone' | 'lost' | 'kept';

export function contactAfter(error: unknown, sessionId: string | undefined): LostContact {
  if (ANSWERED.some(Class => error instanceof Class)) return 'kept';
  if (!(error instanceof StreamableHTTPError)) return 'lost';
  if (sessionId !== undefined && isSessionUnknown(error)) return 'gone';
  return GATEWAY_STATUSES.has(error.code) ? 'lost' : 'kept';
}

/** By these a server says that it has forgotten a session, also where it does not say so. */
const GONE_STATUSES = new Set<number | undefined>([404, 410]);
/** By these some do, with a word about it; the SDK's own server says 400. */
const MAY_MEAN_GONE = new Set<number | undefined>([400, 503]);

function isSessionUnknown({ code, message }: StreamableHTTPError): boolean {
  return GONE_STATUSES.has(code) || (MAY_MEAN_GONE.has(code) && /session|not initialized/i.test(message));
}
