import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Agent } from 'undici';
import { sleep } from '../time/sleep.js';
import { authorizationOf } from './authorization/authorization.js';
import type { ClientTransport, RequestExtender, RequestExtension } from './connection/client-transport.js';
import { type AnswerEndListener, watchedFetch } from './connection/watched-fetch.js';
import type { ConnectionOptions } from './connection-options.js';
import { EraTransport } from './era/era-transport.js';
import { StdioTransport } from './stdio/stdio-transport.js';

/** A server that is started as a child process and spoken to over its standard streams. */
export interface StdioTarget extends ConnectionOptions {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  /** Added to the few variables that are safe to hand on, such as PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
}

/** A server that is reached over Streamable HTTP. */
export interface HttpTarget extends ConnectionOptions {
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Has the tokens, and gets others when the server refuses them (OAuth 2.1). One provider is for one server and one user. */
  readonly authProvider?: OAuthClientProvider | undefined;
}

export type ServerTarget = StdioTarget | HttpTarget;

/** What a connection has shown, to explain why it failed. */
export interface Evidence {
  /** The last of what a child process wrote to its standard error. */
  readonly stderr: string;
  /** The first thing that went wrong in the transport, such as a line that is no JSON. */
  readonly transportError: Error | undefined;
  /** How a child process has ended, as a clause; undefined while it runs. */
  readonly ending?: string | undefined;
  /** When a child process wrote anything last, on the clock of `performance.now()`. */
  readonly heardAt?: number | undefined;
}

export interface OpenTransport {
  readonly transport: EraTransport;
  readonly evidence: () => Evidence;
}

export interface OpenOptions {
  /** How long a server may take to say that it is of the newer generation; 0 not to ask. */
  readonly discoverTimeoutMs: number;
  /** Largest message of the server, in bytes. */
  readonly maxAnswerBytes: number;
}

const GOODBYE_LIMIT_MS = 1000;

export async function openTransport(
  target: ServerTarget,
  { discoverTimeoutMs, maxAnswerBytes }: OpenOptions,
): Promise<OpenTransport> {
  let transportError: Error | undefined;
  const noteError = (error: Error) => {
    transportError ??= error;
  };
  if ('url' in target) {
    const wire = await httpTransport(target);
    wire.onerror = noteError;
    return {
      transport: new EraTransport(wire, { discoverTimeoutMs }),
      evidence: () => ({ stderr: '', transportError }),
    };
  }
  let wire: StdioTransport;
  const start = () => {
    transportError = undefined;
    wire = stdioTransport(target, maxAnswerBytes);
    wire.onerror = noteError;
    return wire;
  };
  return {
    transport: new EraTransport(start(), { discoverTimeoutMs, another: start }),
    evidence: () => {
      const { stderr, ending, heardAt } = wire;
      return { stderr, transportError, ending, heardAt };
    },
  };
}

function stdioTransport(
  { command, args = [], env, cwd }: StdioTarget,
  maxAnswerBytes: number,
): StdioTransport {
  return new StdioTransport({
    command,
    args,
    env: { ...getDefaultEnvironment(), ...env },
    cwd,
    maxAnswerBytes,
  });
}

async function httpTransport({ url, headers, authProvider }: HttpTarget): Promise<ClientTransport> {
  const { Agent, fetch } = await import('undici');
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const onAnswerEnd: AnswerEndListener = id => transport.onanswerend?.(id);
  const authorization = authProvider && authorizationOf(authProvider, new URL(url));
  const extend: RequestExtender = message => transport.extend(message);
  const transport = new PatientHttpTransport(new URL(url), {
    headers: { ...headers },
    agent,
    fetch: watchedFetch({
      fetch,
      agent,
      onAnswerEnd,
      extend,
      authorize: authorization && ((send, isLast) => authorization.send(send, isLast)),
    }),
    isAuthorizing: () => authorization?.isUnderWay === true,
  });
  return transport;
}

interface PatientHttpOptions {
  readonly headers: Record<string, string>;
  readonly agent: Agent;
  readonly fetch: FetchLike;
  readonly isAuthorizing: () => boolean;
}

/**
 * The SDK's transport, with two differences. Node's own fetch cuts a response that is silent for 300 s: how long to wait
 * is for our options to say. And closing tells the server that the session is over, which the SDK leaves to its users
 * (spec 2025-11-25, basic/transports, "Session Management").
 */
class PatientHttpTransport extends StreamableHTTPClientTransport implements ClientTransport {
  onanswerend?: (id: RequestId) => void;
  readonly isAuthorizing: () => boolean;
  readonly #agent: Agent;
  #extend: RequestExtender = () => undefined;

  constructor(url: URL, { headers, agent, fetch, isAuthorizing }: PatientHttpOptions) {
    super(url, { requestInit: { headers }, fetch });
    this.#agent = agent;
    this.isAuthorizing = isAuthorizing;
  }

  extendRequests(extend: RequestExtender): void {
    this.#extend = extend;
  }

  extend(message: JSONRPCMessage): RequestExtension | undefined {
    return this.#extend(message);
  }

  override async close(): Promise<void> {
    const limit = new AbortController();
    await Promise.race([
      this.terminateSession().catch(() => {}),
      sleep(GOODBYE_LIMIT_MS, limit.signal).catch(() => {}),
    ]);
    limit.abort();
    await super.close();
    await this.#agent.destroy();
  }
}
