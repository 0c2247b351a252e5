import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { AwaitError } from '../../errors.js';

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

/**
 * What a failed request tells of its connection:
 * - `gone`: the server has forgotten the session (spec 2025-11-25, basic/transports, "Session Management"), and so has
 *   not looked at the request;
 * - `lost`: there is no way to the server at present;
 * - `kept`: the server has answered.
 */
export type Contact = 'gone' | 'lost' | 'kept';

export function contactAfter(error: unknown, sessionId: string | undefined): Contact {
  if (error instanceof AwaitError || error instanceof SyntaxError || error instanceof z.core.$ZodError)
    return 'kept';
  if (!(error instanceof StreamableHTTPError)) return 'lost';
  if (sessionId !== undefined && isSessionUnknown(error)) return 'gone';
  return GATEWAY_STATUSES.has(error.code) ? 'lost' : 'kept';
}

/** The SDK's own server says 400 where the specification says 404. */
function isSessionUnknown({ code, message }: StreamableHTTPError): boolean {
  return code === 404 || (code === 400 && /session|not initialized/i.test(message));
}
