import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that a test can cut without either side being told, as when a machine dies or a firewall forgets. */
export interface FreezableProxy {
  readonly port: number;
  /** Lets nothing more through on the connections that there are; new ones work. */
  freeze(): void;
  close(): Promise<void>;
}

export async function startProxy(target: { readonly port: number }): Promise<FreezableProxy> {
  const open = new Set<readonly [Socket, Socket]>();
  const server = createServer(client => {
    const upstream = connect(target.port, '127.0.0.1');
    const pair = [client, upstream] as const;
    open.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        open.delete(pair);
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return {
    port: address.port,
    freeze() {
      for (const [client, upstream] of open) {
        client.unpipe();
        upstream.unpipe();
        client.pause();
        upstream.pause();
      }
    },
    async close() {
      server.close();
      for (const [client, upstream] of open) {
        client.destroy();
        upstream.destroy();
      }
      await once(server, 'close');
    },
  };
}
