import { resolve } from 'node:path';
import type { StdioTarget } from '../connect/transport.js';
import { displayUrl } from '../http/url-parts.js';

/** How a server is reached again, without anything secret. */
export type KnownServer =
  | {
      readonly kind: 'http';
      readonly url: string;
      /** Names of the headers that went along; their values are not kept. */
      readonly headers?: readonly string[];
      /** Whether the URL had parts that are not kept, such as a query. */
      readonly isPartial?: boolean;
    }
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly cwd: string;
      /** Names of the variables that were set; their values are not kept. */
      readonly env?: readonly string[];
      /** Whether arguments that may be secret were left out. */
      readonly isPartial?: boolean;
    }
  /** An entry of an `mcpServers` file. */
  | { readonly kind: 'named'; readonly name: string; readonly configFile: string }
  /** The server of this package, as the command line starts it. */
  | { readonly kind: 'bundled'; readonly cwd: string; readonly settings?: string }
  /** A client that was connected elsewhere. */
  | { readonly kind: 'other'; readonly name: string };

/** A server as the journal knows it. */
export interface ServerIdentity {
  readonly server: KnownServer;
  /** Everything that distinguishes it from another server or caller, credentials included. Only its digest is kept. */
  readonly distinction: unknown;
}

/** @param url with or without user, password, query and fragment, which are not kept */
export function knownHttpServer(url: URL, headers: Readonly<Record<string, string>> = {}): KnownServer {
  const names = Object.keys(headers);
  const isPartial = `${url.username}${url.password}${url.search}` !== '';
  return {
    kind: 'http',
    url: displayUrl(url),
    ...(names.length > 0 && { headers: names }),
    ...(isPartial && { isPartial }),
  };
}

export function knownStdioServer({ command, args = [], env = {}, cwd = '.' }: StdioTarget): KnownServer {
  const shown = withoutSecrets(args);
  const names = Object.keys(env);
  return {
    kind: 'stdio',
    command,
    args: shown,
    cwd: resolve(cwd),
    ...(names.length > 0 && { env: names }),
    ...(shown.some((arg, index) => arg !== args[index]) && { isPartial: true }),
  };
}

const SECRET_FLAG = /^--?[\w-]*(token|secret|passw|pwd|api-?_?key|auth|credential|header)[\w-]*(=|$)/i;
const LEFT_OUT = '…';

/** The words of a command line, without those that are likely to be secret. */
export function withoutSecrets(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const flag = SECRET_FLAG.exec(arg);
    if (flag !== null) return arg.includes('=') ? `${arg.slice(0, arg.indexOf('=') + 1)}${LEFT_OUT}` : arg;
    const before = args[index - 1] ?? '';
    if (SECRET_FLAG.test(before) && !before.includes('=')) return LEFT_OUT;
    // User, password and query of a URL, such as that of a database.
    return arg
      .replace(/(\w:\/\/)[^/@\s]+@/, `$1${LEFT_OUT}@`)
      .replace(/(\w:\/\/[^?]*\?).*/s, `$1${LEFT_OUT}`);
  });
}

/** One short clause for a person. */
export function describeServer(server: KnownServer): string {
  switch (server.kind) {
    case 'http':
      return server.url;
    case 'stdio':
      return [server.command, ...server.args].join(' ');
    case 'named':
    case 'other':
      return server.name;
    case 'bundled':
      return 'bundled';
  }
}
