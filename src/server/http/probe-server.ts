import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TaskPageSource } from '../task-page/task-page.js';
import { checkAddress, listen } from './listen.js';
import { parseTokens } from './principals.js';
import { answerWatcher } from './request-handler.js';
import { notFound, refuseRequest } from './responses.js';
import { HEALTH_PATH, METRICS_PATH, READY_PATH, type Watching } from './watch-endpoints.js';

/** Where a worker, which serves nothing else, can be scraped and probed. */
export interface ProbeOptions {
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** 0 takes any free port. */
  readonly port: number;
  /** Bearer tokens for `/metrics`, as `name=token` or bare; needed to listen on an address that is not loopback. @default [] */
  readonly tokens?: readonly string[] | undefined;
  /**
   * Proxies (`10.0.0.0/8`, `loopback`) whose `X-Forwarded-For` says where a sign-in to the page of tasks comes from. @default []
   */
  readonly trustedProxies?: readonly string[] | undefined;
}

export interface ProbeServer {
  readonly port: number;
  /** Tells from now on that the process is closing. */
  startClosing(): void;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`, `/health` and `/ready`, and `/tasks` where it has a source.
 * @throws ConfigurationError when the address cannot be listened on, or must not be without a token
 */
export async function startProbeServer(
  options: ProbeOptions,
  watching: Watching,
  pageSource?: TaskPageSource,
): Promise<ProbeServer> {
  const { host = '127.0.0.1', port } = options;
  const tokens = parseTokens(options.tokens ?? []);
  checkAddress({ host, port, hasToken: tokens.length > 0, tokenFlag: '--metrics-token-file' });
  const hostPolicy = { boundHost: host, allowedHosts: [], allowedOrigins: [], localOrigins: false };
  const taskPage =
    pageSource &&
    (await import('../task-page/task-page.js')).createTaskPage({
      ...pageSource,
      tokens,
      hostPolicy,
      trustedProxies: options.trustedProxies ?? [],
      isOperator: true,
    });
  let closing = false;
  const isClosing = () => closing;
  const watched = { tokens, accessTokens: undefined, hostPolicy, watching, taskPage, isClosing };
  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await answerWatcher(request, response, watched)) return;
    request.resume();
    refuseRequest(response, notFound(NOTHING_HERE));
  }
  const server = createServer((request, response) => {
    route(request, response).catch(() => response.destroy());
  });
  const boundPort = await listen(server, host, port);
  server.on('error', () => {});
  return {
    port: boundPort,
    startClosing() {
      closing = true;
    },
    async close() {
      const closed = new Promise(resolve => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const NOTHING_HERE = `Nothing here: a worker has ${METRICS_PATH}, ${HEALTH_PATH} and ${READY_PATH}`;
