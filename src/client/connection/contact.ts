import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { AwaitError } from '../../errors.js';
import type { ConnectionEvent } from '../events.js';
import { UnreadableAnswerError } from './unreadable-answer.js';

/** A request was sent and its connection was lost before the answer. */
export class LostContactError extends Error {
  override readonly name = 'LostContactError';
}

/** A request was not sent: the connection was lost, and could not be opened again this time. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}

/** HTTP statuses by which a gateway says that it cannot reach the server. */
const GATEWAY_STATUSES = new Set<number | undefined>([502, 503, 504]);

/** Errors which show that an answer came, even if it was wrong. */
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

/** Statuses that mean that the server has forgotten the session, whatever its message is. */
const GONE_STATUSES = new Set<number | undefined>([404, 410]);
/** Statuses that mean the same only if the message mentions the session; the SDK's own server sends 400. */
const MAY_MEAN_GONE = new Set<number | undefined>([400, 503]);

function isSessionUnknown({ code, message }: StreamableHTTPError): boolean {
  return GONE_STATUSES.has(code) || (MAY_MEAN_GONE.has(code) && /session|not initialized/i.test(message));
}

/** Whether there is contact with the server, told once each time that it changes. */
export class Contact {
  #lost: { readonly cause: unknown; readonly at: number } | undefined;
  #listener: (event: ConnectionEvent) => void = () => {};

  observe(listener: (event: ConnectionEvent) => void): void {
    this.#listener = listener;
  }

  lose(cause: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = { cause, at: performance.now() };
    this.#listener({ type: 'connection-lost', cause });
  }

  restore(newSession: boolean): void {
    if (this.#lost === undefined) return;
    const { cause, at } = this.#lost;
    this.#lost = undefined;
    this.#listener({ type: 'connection-restored', cause, lostForMs: performance.now() - at, newSession });
  }
}
