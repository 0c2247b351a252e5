import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isWithin } from '../../time/at-most.js';
import type { ClientTransport, RequestExtender } from '../connection/client-transport.js';
import { isRequest } from '../connection/message-kind.js';
import { LegacySse } from './legacy-sse.js';
import type { Requests } from './requests.js';
import { StreamableHttp } from './streamable-http.js';
import type { HttpWire, WireOptions } from './wire.js';

export interface HttpTransportOptions {
  readonly requests: Requests;
  readonly maxAnswerBytes: number;
  /** Whether the server is said to speak HTTP+SSE of 2024-11-05. */
  readonly isLegacy: boolean;
  readonly isAuthorizing: () => boolean;
}

const GOODBYE_LIMIT_MS = 1000;
/** By these a server says that it does not know Streamable HTTP (spec 2025-11-25, "Backwards Compatibility"). */
const MAY_BE_LEGACY = new Set<number | undefined>([400, 404, 405]);
/** By these a stream is refused where a server knows Streamable HTTP only. */
const MAY_BE_STREAMABLE = new Set<number | undefined>([-1, 400, 404, 405, 406]);

/** A connection over HTTP, in the way that the server knows: Streamable HTTP, or HTTP+SSE of 2024-11-05. */
export class HttpTransport implements ClientTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  onanswerend?: (id: RequestId, cause?: Error) => void;
  readonly isAuthorizing: () => boolean;
  readonly #requests: Requests;
  readonly #isLegacy: boolean;
  readonly #wireOptions: WireOptions;
  #wire: HttpWire;
  #extend: RequestExtender = () => undefined;
  #closed: Promise<void> | undefined;

  constructor({ requests, maxAnswerBytes, isLegacy, isAuthorizing }: HttpTransportOptions) {
    this.#requests = requests;
    this.#isLegacy = isLegacy;
    this.isAuthorizing = isAuthorizing;
    this.#wireOptions = {
      requests,
      maxAnswerBytes,
      extend: message => this.#extend(message),
      listener: {
        deliver: message => this.onmessage?.(requests.withoutSecrets(message)),
        report: error => this.#report(error),
        answerEnded: (id, cause) => this.onanswerend?.(id, cause),
        closed: () => void this.close(),
      },
    };
    this.#wire = new StreamableHttp(this.#wireOptions);
  }

  get sessionId(): string | undefined {
    return this.#wire.sessionId;
  }

  setProtocolVersion(version: string): void {
    this.#wire.setProtocolVersion?.(version);
  }

  extendRequests(extend: RequestExtender): void {
    this.#extend = extend;
  }

  async start(): Promise<void> {
    if (!this.#isLegacy) return;
    try {
      await this.#openLegacy();
    } catch (error) {
      this.#report(error);
      if (!isRefused(error, MAY_BE_STREAMABLE)) throw error;
    }
  }

  async send(message: JSONRPCMessage): Promise<void> {
    try {
      await this.#sendOrFallBack(message);
    } catch (error) {
      this.#report(error);
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #sendOrFallBack(message: JSONRPCMessage): Promise<void> {
    try {
      await this.#wire.send(message);
    } catch (error) {
      const isGreeting = isRequest(message) && message.method === 'initialize';
      if (!isGreeting || this.#wire instanceof LegacySse || !mayBeLegacy(error)) throw error;
      await this.#openLegacy().catch(reason => {
        // What the first refusal says is more to the point, but for a refusal that a token can change.
        throw isRefused(reason, new Set([401, 403])) ? reason : error;
      });
      await this.#wire.send(message);
    }
  }

  async #openLegacy(): Promise<void> {
    const legacy = new LegacySse(this.#wireOptions);
    try {
      await legacy.open();
      this.#wire = legacy;
    } catch (error) {
      await legacy.close();
      throw error;
    }
  }

  async #close(): Promise<void> {
    await isWithin(this.#wire.close(), GOODBYE_LIMIT_MS);
    this.onclose?.();
    await this.#requests.close();
  }

  #report(error: unknown): void {
    this.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }
}

/** A server that refuses `initialize` in JSON-RPC knows Streamable HTTP. */
function mayBeLegacy(error: unknown): boolean {
  if (!isRefused(error, MAY_BE_LEGACY)) return false;
  const { code, message } = error as StreamableHTTPError;
  return code !== 400 || !message.includes('"jsonrpc"');
}

function isRefused(error: unknown, statuses: ReadonlySet<number | undefined>): boolean {
  return error instanceof StreamableHTTPError && statuses.has(error.code);
}
