import { once } from 'node:events';
import type { Server as NodeServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigurationError } from '../../errors.js';
import { isLoopback } from './guards.js';

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly hasToken: boolean;
  /** What gives one on the command line. */
  readonly tokenFlag: string;
}

/** Connections that wait to be accepted; the system's own limit (`net.core.somaxconn`) may be lower. */
const MAX_BACKLOG = 4096;

/** @throws ConfigurationError when the address is none, or must not be listened on without a token */
export function checkAddress({ host, port, hasToken, tokenFlag }: Address): void {
  if (!hasToken && !isLoopback(host)) {
    throw new ConfigurationError(
      `Listening on ${host} without a token would let anybody in: pass ${tokenFlag}, or listen on 127.0.0.1`,
    );
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigurationError(`Expected \`port\` to be a whole number from 0 to 65535, got ${port}`);
  }
}

/**
 * Listens, and returns the port.
 * @throws ConfigurationError when the address cannot be listened on
 */
export async function listen(server: NodeServer, host: string, port: number): Promise<number> {
  try {
    await once(server.listen({ host, port, backlog: MAX_BACKLOG }), 'listening');
    return (server.address() as AddressInfo).port;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigurationError(listenProblem(code, host, port), { cause });
  }
}

function listenProblem(code: string | undefined, host: string, port: number): string {
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is in use: choose another with --port, or 0 for any free one`;
  }
  return `Cannot listen on ${host}, port ${port} (${code})`;
}
