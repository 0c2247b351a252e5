import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newDeferred } from '../../time/deferred.js';
import { UsageError } from '../exit-code.js';

export interface RedirectListener extends AsyncDisposable {
  /** With the port that is listened on. */
  readonly url: URL;
  /** The first address with the right `state` that the browser came back to. */
  readonly answer: Promise<URL>;
  /** From now on answers with this `state` count. */
  expect(state: string): void;
  /** Tells the browser how it ended. */
  tell(isSignedIn: boolean): void;
}

/**
 * Listens on this machine for the browser that comes back from the authorization server.
 * @throws UsageError when the port is in use
 */
export async function listenForRedirect(wanted: URL): Promise<RedirectListener> {
  const answered = newDeferred();
  let answer = wanted;
  const url = new URL(wanted);
  let state: string | undefined;
  let waiting: ServerResponse | undefined;
  const take = (request: IncomingMessage, response: ServerResponse) => {
    const back = new URL(request.url ?? '/', url);
    if (request.method !== 'GET' || back.pathname !== url.pathname || request.headers.host !== url.host)
      return show(response, 404, 'Nothing here', 'This address belongs to a sign-in of mcp-await.');
    // Anybody on this machine can call; only the answer to our request counts.
    if (state === undefined || back.searchParams.get('state') !== state)
      return show(response, 400, 'Not this sign-in', 'This page belongs to another sign-in: start it again.');
    if (waiting !== undefined)
      return show(response, 400, 'Already answered', 'This sign-in has been answered.');
    waiting = response;
    answer = back;
    answered.resolve();
  };
  const servers = await listenOn(wanted, take);
  const port = portOf(servers[0]);
  url.port = String(port);
  const tell = (isSignedIn: boolean) => {
    if (waiting === undefined || waiting.writableEnded) return;
    if (isSignedIn) show(waiting, 200, 'You are signed in', 'You may close this page.');
    else show(waiting, 400, 'You are not signed in', 'The terminal says why.');
  };
  return {
    url,
    answer: answered.promise.then(() => answer),
    expect(given) {
      state = given;
    },
    tell,
    async [Symbol.asyncDispose]() {
      tell(false);
      await Promise.all(servers.map(closed));
    },
  };
}

/** `localhost` is two addresses, of which a browser takes either. */
async function listenOn(
  { hostname, port }: URL,
  take: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<readonly [Server, ...Server[]]> {
  const first = await listen(hostname === '[::1]' ? '::1' : '127.0.0.1', Number(port), take);
  if (hostname !== 'localhost') return [first];
  const second = await listen('::1', portOf(first), take).catch(() => undefined);
  return second === undefined ? [first] : [first, second];
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function listen(
  host: string,
  port: number,
  take: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(take);
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${cause.code})`;
      const next = 'end what uses it, or give another --redirect-url that is registered';
      reject(
        new UsageError(`Port ${port}, to which the browser is to come back, ${why}: ${next}.`, { cause }),
      );
    });
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

async function closed(server: Server): Promise<void> {
  const end = new Promise(resolve => server.close(resolve));
  server.closeIdleConnections();
  await end;
}

function show(response: ServerResponse, status: number, title: string, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>\n`,
  );
}
