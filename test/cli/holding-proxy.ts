import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Where a call is held: on its way to the server, or its answer on the way back. */
export type Hold = 'call' | 'answer';

/** A proxy in front of an MCP server over HTTP that can hold the calls of one tool. */
export interface HoldingProxy {
  readonly url: string;
  /** Holds the calls of this tool from now on. */
  hold(tool: string, where: Hold): void;
  /** Lets everything through from now on; what is held is lost. */
  letThrough(): void;
  /** Settles when a call is held. */
  held(): Promise<void>;
  close(): Promise<void>;
}

export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  let holding: { readonly tool: string; readonly where: Hold } | undefined;
  let onHeld = () => {};
  let heldOne = new Promise<void>(() => {});
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const held = holding !== undefined && body.includes(`"name":"${holding.tool}"`) ? holding : undefined;
    if (held?.where === 'call') return onHeld();
    const { method, headers } = incoming;
    const forwarded = request(
      target,
      { method, headers: { ...headers, host: new URL(target).host } },
      answer => {
        if (held?.where === 'answer') {
          answer.resume();
          answer.once('end', onHeld);
        } else relay(outgoing, answer);
      },
    );
    forwarded.once('error', () => outgoing.destroy());
    outgoing.once('close', () => forwarded.destroy());
    forwarded.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    hold(tool, where) {
      holding = { tool, where };
      heldOne = new Promise(resolve => {
        onHeld = resolve;
      });
    },
    letThrough() {
      holding = undefined;
    },
    held: () => heldOne,
    async close() {
      server.closeAllConnections();
      await new Promise(closed => server.close(closed));
    },
  };
}

function relay(outgoing: ServerResponse, answer: IncomingMessage): void {
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  outgoing.flushHeaders();
  answer.pipe(outgoing);
}
