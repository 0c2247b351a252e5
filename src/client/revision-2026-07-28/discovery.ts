import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import {
  ImplementationSchema,
  ServerCapabilitiesSchema,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { isRecord } from '../../protocols/tool-result.js';
import { sleep, startTimer } from '../../time/sleep.js';
import { ownId } from '../connection/message-kind.js';
import { classifyFailure } from '../faults/failure.js';
import { PostponedError } from '../http/refusal.js';
import { type ClientIdentity, framed, REVISION_VERSION, SERVER_INFO_META } from './revision-wire.js';

const discoveredSchema = z.looseObject({
  supportedVersions: z.array(z.string()),
  capabilities: ServerCapabilitiesSchema.default({}),
  serverInfo: ImplementationSchema.optional().catch(undefined),
  instructions: z.string().optional().catch(undefined),
});

/** What a server of revision 2026-07-28 says of itself. */
export type Discovered = z.infer<typeof discoveredSchema>;

/** Of revision 2026-07-28 (spec 2026-07-28). */
const UNSUPPORTED_VERSION = -32022;

export interface DiscoveryOptions {
  readonly send: (message: JSONRPCMessage) => Promise<void>;
  /** Ends a request that is no longer waited for. */
  readonly drop: (id: RequestId) => void;
  readonly isAuthorizing: () => boolean;
}

/** Asks `server/discover` on a wire that carries no other message yet. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  #waiting: { readonly id: RequestId; readonly answer: (message?: JSONRPCMessage) => void } | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /**
   * What the server says of itself; undefined where it does not speak revision 2026-07-28: where it gives any other answer,
   * ends the connection, or says nothing in time.
   * @throws what the transport throws when the server cannot be reached, or wants authorization that cannot be obtained
   */
  async run(identity: ClientIdentity, timeoutMs: number): Promise<Discovered | undefined> {
    const first = await this.#ask(identity, timeoutMs);
    const answer = refusesVersion(first) ? await this.#ask(identity, timeoutMs) : first;
    if (answer === undefined || !('result' in answer)) return undefined;
    const { success, data } = discoveredSchema.safeParse(answer.result);
    return success && data.supportedVersions.includes(REVISION_VERSION)
      ? { ...data, serverInfo: data.serverInfo ?? serverInfoIn(answer.result) }
      : undefined;
  }

  /** Whether the message was the answer that is waited for. */
  takes(message: JSONRPCMessage): boolean {
    if (this.#waiting === undefined || 'method' in message) return false;
    // An error without an id answers the only request that was sent.
    if (message.id !== undefined && message.id !== this.#waiting.id) return false;
    this.#waiting.answer(message);
    return true;
  }

  /** The connection is over. */
  end(): void {
    this.#waiting?.answer();
  }

  #ask(identity: ClientIdentity, timeoutMs: number): Promise<JSONRPCMessage | undefined> {
    const { send, drop, isAuthorizing } = this.#options;
    const id = ownId();
    const params = framed({}, identity);
    return new Promise<JSONRPCMessage | undefined>((resolve, reject) => {
      let stop = () => {};
      const giveUp = () => {
        // The server has answered: it wants a token first, which others give.
        if (isAuthorizing()) return start();
        drop(id);
        resolve(undefined);
      };
      const start = () => {
        stop = startTimer(timeoutMs, giveUp, { unref: true });
      };
      start();
      const answer = (message?: JSONRPCMessage) => {
        stop();
        resolve(message);
      };
      this.#waiting = { id, answer };
      send({ jsonrpc: '2.0', id, method: 'server/discover', params }).catch(error => {
        stop();
        if (mayBeOlder(error)) resolve(undefined);
        else reject(error);
      });
    }).finally(() => {
      this.#waiting = undefined;
    });
  }
}

/** Whether the server refuses our version and yet lists it as supported, as some servers do at first. */
function refusesVersion(message: JSONRPCMessage | undefined): boolean {
  if (message === undefined || !('error' in message) || message.error.code !== UNSUPPORTED_VERSION)
    return false;
  const { data } = message.error;
  return isRecord(data) && Array.isArray(data.supported) && data.supported.includes(REVISION_VERSION);
}

/** Whether a server that failed like this may speak revision 2025-11-25; a server that cannot be reached is not asked again. */
function mayBeOlder(error: unknown): boolean {
  const failure = classifyFailure(error);
  return failure !== 'ours' && (failure !== 'unsent' || error instanceof StreamableHTTPError);
}

function serverInfoIn({ _meta }: Readonly<Record<string, unknown>>): Discovered['serverInfo'] {
  return ImplementationSchema.safeParse(isRecord(_meta) ? _meta[SERVER_INFO_META] : undefined).data;
}

export interface VersionRefusal {
  readonly code?: number | undefined;
  readonly message: string;
  readonly data?: unknown;
}

const SPEAKS_OF_VERSIONS = /protocol.{0,3}version|version.{0,40}support|support.{0,40}version/is;
const VERSION = /\b20\d\d-\d\d-\d\d\b/g;
const MAX_CHARACTERS = 5000;

/**
 * The versions of MCP with which a refused `initialize` may be sent again, the best first: those that the refusal names, or
 * every older one where it names none. None where it is not about versions.
 */
export function versionsAfter(
  { code, message, data }: VersionRefusal,
  tried: readonly string[],
): readonly string[] {
  const said = `${message} ${data === undefined ? '' : JSON.stringify(data)}`.slice(0, MAX_CHARACTERS);
  if (code !== UNSUPPORTED_VERSION && !SPEAKS_OF_VERSIONS.test(said)) return [];
  const left = SUPPORTED_PROTOCOL_VERSIONS.filter(version => !tried.includes(version));
  const named = new Set(said.match(VERSION));
  const offered = left.filter(version => named.has(version));
  return offered.length > 0 ? offered : [...named].every(version => tried.includes(version)) ? left : [];
}

const MAX_REPEATS = 3;
/** A server that asks for a longer pause is not waited for. */
const MAX_PAUSE_MS = 30_000;
const DEFAULT_PAUSE_MS = 1000;

/** Sends what begins a connection, and again as often as the server asks to send it later (429, 503), within bounds. */
export async function sendUnlessPostponed(send: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await send();
    } catch (error) {
      const pauseMs = pauseAfter(error);
      if (pauseMs === undefined || pauseMs > MAX_PAUSE_MS || repeats === MAX_REPEATS) throw error;
      await sleep(pauseMs, signal);
    }
  }
}

function pauseAfter(error: unknown): number | undefined {
  if (error instanceof PostponedError) return error.retryAfterMs;
  return error instanceof StreamableHTTPError && error.code === 429 ? DEFAULT_PAUSE_MS : undefined;
}
