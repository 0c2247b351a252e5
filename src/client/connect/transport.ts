import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { OptionNames } from '../../unknown-option.js';
import { type Authorization, authorizationOf } from '../authorization/authorization.js';
import { secretVariables } from '../connection/sent-secrets.js';
import { HttpTransport } from '../http/http-transport.js';
import { openAgent } from '../http/proxy.js';
import { Requests } from '../http/requests.js';
import { RevisionTransport } from '../revision-2026-07-28/revision-transport.js';
import type { HandedServer } from '../stdio/handed-server.js';
import { StdioTransport } from '../stdio/stdio-transport.js';
import { type ConnectionOptions, connectionOptionNames } from './connection-options.js';

/** A server that is reached over Streamable HTTP, or over HTTP+SSE of 2024-11-05 where it does not know that. */
interface HttpEndpoint extends ConnectionOptions {
  /** A user and a password in it go as the header `Authorization: Basic …`. */
  readonly url: string | URL;
  /** What to try first. @default 'http', which is Streamable HTTP */
  readonly type?: 'http' | 'sse' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Has the tokens, and gets others when the server refuses them (OAuth 2.1). One provider is for one server and one user. */
  readonly authProvider?: OAuthClientProvider | undefined;
}

export type { HttpEndpoint as HttpTarget };

/** A server that is started as a child process and spoken to over its standard streams. */
export interface StdioTarget extends ConnectionOptions {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  /** Added to the few variables that are safe to hand on, such as PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Whether the whole environment of this process is handed on, as a shell does. @default false */
  readonly inheritEnv?: boolean | undefined;
  readonly cwd?: string | undefined;
}

/** `type`, as entries of an `mcpServers` file have it, may stand in both. */
export const httpTargetNames: OptionNames<HttpEndpoint> = {
  ...connectionOptionNames,
  url: true,
  type: true,
  headers: true,
  authProvider: true,
};
export const stdioTargetNames: OptionNames<StdioTarget> = {
  ...connectionOptionNames,
  ...{ type: true },
  command: true,
  args: true,
  env: true,
  inheritEnv: true,
  cwd: true,
};

export type ServerTarget = StdioTarget | HttpEndpoint;

/** What a connection has shown, to explain why it failed. */
export interface ConnectionEvidence {
  /** The last of what a child process wrote to its standard error. */
  readonly stderr: string;
  /** The first thing that went wrong in the transport, such as a line that is no JSON. */
  readonly transportError: Error | undefined;
  /** How a child process has ended, as a clause; undefined while it runs. */
  readonly ending?: string | undefined;
  /** When a child process wrote anything, or somebody was signing in, last; on the clock of `performance.now()`. */
  readonly heardAt?: number | undefined;
  /** When a token was last being asked for, on the same clock. */
  readonly tokenAskedAt?: number | undefined;
}

export interface OpenTransport {
  readonly transport: RevisionTransport;
  readonly evidence: () => ConnectionEvidence;
}

export interface OpenOptions {
  /** How long a server may take to say that it is of revision 2026-07-28; 0 not to ask. */
  readonly discoverTimeoutMs: number;
  /** Largest message of the server, in bytes. */
  readonly maxAnswerBytes: number;
  /** The server where it runs already, started by another process. */
  readonly handed?: HandedServer | undefined;
}

export async function openTransport(
  target: ServerTarget,
  { discoverTimeoutMs, maxAnswerBytes, handed }: OpenOptions,
): Promise<OpenTransport> {
  let transportError: Error | undefined;
  const noteError = (error: Error) => {
    transportError ??= error;
  };
  if ('url' in target) {
    const { wire, authorization } = await openHttpTransport(target, maxAnswerBytes);
    wire.onerror = noteError;
    return {
      transport: new RevisionTransport(wire, { discoverTimeoutMs }),
      evidence: () => {
        const tokenAskedAt = authorization?.lastUnderWayAt;
        return { stderr: '', transportError, heardAt: tokenAskedAt, tokenAskedAt };
      },
    };
  }
  const { env, inheritEnv = false } = target;
  let wire: StdioTransport;
  const start = () => {
    transportError = undefined;
    wire = new StdioTransport({
      command: target.command,
      args: target.args ?? [],
      env: { ...(inheritEnv ? (process.env as Record<string, string>) : getDefaultEnvironment()), ...env },
      cwd: target.cwd,
      secrets: secretVariables(env),
      maxAnswerBytes,
      handed,
    });
    wire.onerror = noteError;
    return wire;
  };
  return {
    transport: new RevisionTransport(start(), {
      discoverTimeoutMs,
      another: handed === undefined ? start : undefined,
    }),
    evidence: () => {
      const { stderr, ending, heardAt } = wire;
      return { stderr, transportError, ending, heardAt };
    },
  };
}

/** @param maxAnswerBytes of one answer, in decoded bytes */
async function openHttpTransport(
  { url: where, headers, authProvider, type }: HttpEndpoint,
  maxAnswerBytes: number,
): Promise<{ readonly wire: HttpTransport; readonly authorization: Authorization | undefined }> {
  const url = new URL(where);
  const authorization = authProvider && authorizationOf(authProvider, url);
  const requests = new Requests({
    url,
    headers: headers ?? {},
    agent: await openAgent(url),
    authorize: authorization && ((send, isLast) => authorization.send(send, isLast)),
  });
  const wire = new HttpTransport({
    requests,
    maxAnswerBytes,
    isLegacy: type === 'sse',
    isAuthorizing: () => authorization?.isUnderWay === true,
  });
  return { wire, authorization };
}
