import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { ImplementationSchema, ServerCapabilitiesSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { isRecord } from '../../protocols/tool-result.js';
import { startTimer } from '../../time/sleep.js';
import { type ClientIdentity, framed, NEWER_VERSION, SERVER_INFO } from './newer-protocol.js';

const discoveredSchema = z.looseObject({
  supportedVersions: z.array(z.string()),
  capabilities: ServerCapabilitiesSchema.default({}),
  serverInfo: ImplementationSchema.optional().catch(undefined),
  instructions: z.string().optional().catch(undefined),
});

/** What a server of the newer protocol says of itself. */
export type Discovered = z.infer<typeof discoveredSchema>;

const UNSUPPORTED_VERSION = -32022;

/** One question on a wire that nobody else uses yet. */
export class Discovery {
  readonly #send: (message: JSONRPCMessage) => Promise<void>;
  readonly #drop: (id: RequestId) => void;
  readonly #isAuthorizing: () => boolean;
  #waiting: { readonly id: RequestId; readonly answer: (message: JSONRPCMessage) => void } | undefined;

  constructor(
    send: (message: JSONRPCMessage) => Promise<void>,
    drop: (id: RequestId) => void,
    isAuthorizing: () => boolean,
  ) {
    this.#send = send;
    this.#drop = drop;
    this.#isAuthorizing = isAuthorizing;
  }

  /**
   * What the server says of itself; undefined where it does not speak the newer protocol, or says nothing in time.
   * @throws what the transport throws when the server cannot be reached, or wants authorization
   */
  async run(identity: ClientIdentity, timeoutMs: number): Promise<Discovered | undefined> {
    const first = await this.#ask(1, identity, timeoutMs);
    const answer = refusesVersion(first) ? await this.#ask(2, identity, timeoutMs) : first;
    if (answer === undefined || !('result' in answer)) return undefined;
    const { success, data } = discoveredSchema.safeParse(answer.result);
    return success && data.supportedVersions.includes(NEWER_VERSION)
      ? { ...data, serverInfo: data.serverInfo ?? serverInfoIn(answer.result) }
      : undefined;
  }

  /** Whether the message was the answer that is waited for. */
  takes(message: JSONRPCMessage): boolean {
    if (this.#waiting === undefined || 'method' in message || message.id !== this.#waiting.id) return false;
    this.#waiting.answer(message);
    return true;
  }

  #ask(attempt: number, identity: ClientIdentity, timeoutMs: number): Promise<JSONRPCMessage | undefined> {
    const id = `mcp-await-discover-${attempt}`;
    const params = framed({}, identity);
    return new Promise<JSONRPCMessage | undefined>((resolve, reject) => {
      let stop = () => {};
      const giveUp = () => {
        // The server has answered: it wants a token first, which others give.
        if (this.#isAuthorizing()) return start();
        this.#drop(id);
        resolve(undefined);
      };
      const start = () => {
        stop = startTimer(timeoutMs, giveUp, { unref: true });
      };
      start();
      this.#waiting = {
        id,
        answer: message => {
          stop();
          resolve(message);
        },
      };
      this.#send({ jsonrpc: '2.0', id, method: 'server/discover', params }).catch(error => {
        stop();
        if (isOfOlderServer(error)) resolve(undefined);
        else reject(error);
      });
    }).finally(() => {
      this.#waiting = undefined;
    });
  }
}

/** Whether it does not like our version and yet knows it: some servers check before they look. */
function refusesVersion(message: JSONRPCMessage | undefined): boolean {
  if (message === undefined || !('error' in message) || message.error.code !== UNSUPPORTED_VERSION)
    return false;
  const { data } = message.error;
  return isRecord(data) && Array.isArray(data.supported) && data.supported.includes(NEWER_VERSION);
}

/** An HTTP error that is no JSON-RPC answer: whatever stands there may still speak the older protocol. */
function isOfOlderServer(error: unknown): boolean {
  return (
    error instanceof StreamableHTTPError && error.code !== 401 && error.code !== 403 && error.code !== 429
  );
}

function serverInfoIn({ _meta }: Readonly<Record<string, unknown>>): Discovered['serverInfo'] {
  return ImplementationSchema.safeParse(isRecord(_meta) ? _meta[SERVER_INFO] : undefined).data;
}
