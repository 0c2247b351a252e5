import { join } from 'node:path';
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { onTestFinished } from 'vitest';
import { ProxyJournal } from '../../src/proxy/proxy-journal.js';
import { type ProxyOptions, startProxy } from '../../src/proxy/start-proxy.js';
import { newHome } from './proxy-host.js';

export interface HttpProxy {
  readonly url: string;
  readonly notices: readonly string[];
  connect(options?: ClientOptions, token?: string, name?: string): Promise<Client>;
}

/** A proxy over HTTP in front of these commands. */
export async function startHttpProxy(
  commands: Readonly<Record<string, readonly string[]>>,
  { home = newHome(), ...options }: Partial<ProxyOptions> & { readonly home?: string } = {},
): Promise<HttpProxy> {
  const file = join(home, 'journal.db');
  const notices: string[] = [];
  const proxy = await startProxy({
    targets: Object.entries(commands).map(([name, [command = '', ...args]]) => ({
      name,
      target: { command, args },
      id: name,
      journal: { file, required: false, acknowledge: true },
    })),
    journal: new ProxyJournal(file, () => {}),
    hostTimeoutMs: Number.POSITIVE_INFINITY,
    wait: { maxAttempts: Number.POSITIVE_INFINITY },
    onNotice: line => notices.push(line),
    onError: () => {},
    ...options,
    http: { port: 0, ...options.http },
  });
  const clients: Client[] = [];
  onTestFinished(async () => {
    for (const client of clients) await client.close();
    await proxy.close();
  });
  const url = proxy.url ?? '';
  return {
    url,
    notices,
    async connect(clientOptions = {}, token = undefined, name = 'host') {
      const client = new Client({ name, version: '1' }, clientOptions);
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
      await client.connect(transport as Transport);
      clients.push(client);
      return client;
    },
  };
}
