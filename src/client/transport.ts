import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Agent } from 'undici';
import { sleep } from '../time/sleep.js';
import { authorizationOf } from './authorization/authorization.js';
import type { ClientTransport, RequestExtender, RequestExtension } from './connection/client-transport.js';
import { type AnswerEndListener, watchedFetch } from './connection/watched-fetch.js';
import { EraTransport } from './era/era-transport.js';

/** A server that is started as a child process and spoken to over its standard streams. */
export interface StdioTarget {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  /** Added to the few variables that are safe to hand on, such as PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
}

/** A server that is reached over Streamable HTTP. */
export interface HttpTarget {
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
}

export interface OpenTransport {
  readonly transport: EraTransport;
  readonly evidence: () => Evidence;
}

/** A result of 5 MB travels twice, as text and structured, and escaped; the SDK's default of 10 MB would cut the connection. */
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;
const STDERR_TAIL_CHARACTERS = 2000;
const GOODBYE_LIMIT_MS = 1000;

/** @param discoverTimeoutMs how long a server may take to say that it is of the newer generation; 0 not to ask */
export async function openTransport(target: ServerTarget, discoverTimeoutMs: number): Promise<OpenTransport> {
  const transport: ClientTransport = 'url' in target ? await httpTransport(target) : stdioTransport(target);
  let stderr = '';
  let transportError: Error | undefined;
  transport.onerror = error => {
    transportError ??= error;
  };
  if (transport instanceof StdioClientTransport) {
    transport.stderr?.on('data', chunk => {
      stderr = (stderr + String(chunk)).slice(-STDERR_TAIL_CHARACTERS);
    });
  }
  return {
    transport: new EraTransport(transport, discoverTimeoutMs),
    evidence: () => ({ stderr: stderr.trim(), transportError }),
  };
}

function stdioTransport({ command, args, env, cwd }: StdioTarget): StdioClientTransport {
  return new ProcessEndingTransport({
    command,
    args: [...(args ?? [])],
    env: { ...getDefaultEnvironment(), ...env },
    stderr: 'pipe',
    maxBufferSize: MAX_MESSAGE_BYTES,
    ...(cwd !== undefined && { cwd }),
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

/** Every `close()` waits until the process has ended; the SDK's own waits only at its first call, which may be the SDK's. */
class ProcessEndingTransport extends StdioClientTransport {
  #closed: Promise<void> | undefined;

  override close(): Promise<void> {
    this.#closed ??= super.close();
    return this.#closed;
  }
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
