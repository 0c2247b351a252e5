import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Attributes } from '@opentelemetry/api';
import { LastingTransport } from '../connection/lasting-transport.js';
import { identityOf } from '../journal/identify.js';
import { StdioTransport } from '../stdio/stdio-transport.js';

/** What the semantic conventions want to know of the connection, as far as it is known without asking. */
export function connectionAttributes(client: Client): Attributes {
  const { transport } = client;
  const current = transport instanceof LastingTransport ? transport.current : transport;
  const version = versionOf(transport) ?? versionOf(current);
  return {
    ...(current?.sessionId !== undefined && { 'mcp.session.id': current.sessionId }),
    ...(version !== undefined && { 'mcp.protocol.version': version }),
    ...(isPipe(current) && { 'network.transport': 'pipe' }),
    ...addressOf(client),
  };
}

function isPipe(transport: Transport | undefined): boolean {
  return transport instanceof StdioTransport || transport instanceof StdioClientTransport;
}

function versionOf(transport: Transport | undefined): string | undefined {
  const { protocolVersion } = (transport ?? {}) as { readonly protocolVersion?: unknown };
  return typeof protocolVersion === 'string' ? protocolVersion : undefined;
}

function addressOf(client: Client): Attributes {
  const { server } = identityOf(client, undefined);
  if (server.kind !== 'http') return {};
  const { hostname, port, protocol } = new URL(server.url);
  return {
    'network.transport': 'tcp',
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}
