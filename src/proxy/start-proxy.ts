import type { ConnectionOptions } from '../client/connect/connection-options.js';
import type { WaitOptions } from '../client/options.js';
import type { HttpServerOptions } from '../server/http/http-server.js';
import { isOpenToAll, LOCAL_PRINCIPAL } from '../server/http/principals.js';
import type { RunningServer } from '../server/start-server.js';
import { type StdioStreams, serveStdio } from '../server/stdio.js';
import { atMost } from '../time/at-most.js';
import { newDeferred } from '../time/deferred.js';
import { createHostSession } from './host-session.js';
import { taskFeed } from './native-tasks.js';
import { Patience } from './patience.js';
import type { ProxyJournal } from './proxy-journal.js';
import { ProxyTasks } from './proxy-tasks.js';
import { revisionOffer } from './revision-offer.js';
import type { Upstream, UpstreamTarget } from './upstream.js';

export interface ProxyOptions {
  readonly targets: readonly UpstreamTarget[];
  /** Where calls of earlier processes are found. */
  readonly journal: ProxyJournal | undefined;
  /**
   * How long a call may take before it is answered with its reference, in milliseconds; `Infinity` for any time.
   * @default what the file says of the server, what is known of the host, or 55 s on streams and any time over HTTP
   */
  readonly hostTimeoutMs?: number | undefined;
  readonly wait: WaitOptions & ConnectionOptions;
  /** Serves these streams; without them HTTP. */
  readonly stdio?: StdioStreams | undefined;
  readonly http?: Omit<HttpServerOptions, 'createMcpServer' | 'offer' | 'watching' | 'onError' | 'now'>;
  /** A line for the operator. */
  readonly onNotice: (line: string) => void;
  readonly onError: (error: unknown) => void;
}

/** Hosts that time out do so after 60 seconds, as the SDK does. */
const HOST_TIMEOUT_MS = 55_000;
/** Each session has connections, and maybe processes, of its own. */
export const MAX_PROXY_SESSIONS = 100;

/**
 * Starts an MCP server in front of others: on streams, or over HTTP.
 * @throws ConfigurationError when the address cannot be listened on
 */
export async function startProxy(options: ProxyOptions): Promise<RunningServer> {
  const { targets, journal, hostTimeoutMs, wait, stdio, http, onNotice, onError } = options;
  const tasks = new ProxyTasks(journal);
  const connected = new Set<Upstream>();
  const patience = new Patience(
    hostTimeoutMs,
    stdio === undefined ? Number.POSITIVE_INFINITY : HOST_TIMEOUT_MS,
  );
  const feed = taskFeed(tasks);
  const listsTasks = http === undefined || !isOpenToAll(http.tokens, http.authorization);
  const parts = { targets, tasks, feed, listsTasks, connected, patience, wait, onNotice };
  const offer = revisionOffer(parts);
  const stopped = newDeferred();
  const idleWithin = (graceMs: number) => atMost(tasks.idle(), graceMs).catch(() => {});
  const release = async () => {
    feed.close();
    await Promise.all([...connected].map(upstream => upstream.close()));
    await journal?.close();
  };
  if (stdio !== undefined) {
    const principal = LOCAL_PRINCIPAL;
    // A host that has closed its side takes no result that it would have to show somebody.
    const isListening = () => !stdio.input.readableEnded;
    const server = createHostSession({ ...parts, principal, isListening, asksOnCalls: false });
    const { gone } = await serveStdio({ server, offer, principal, onError }, stdio);
    const finish = async () => {
      await gone;
      await server.close();
      stdio.output.end();
      await tasks.idle();
      await release();
    };
    return {
      url: undefined,
      ended: Promise.race([finish(), stopped.promise]),
      async close(graceMs = 0) {
        await server.close();
        await idleWithin(graceMs);
        await release();
        stdio.output.end(() => stdio.input.destroy());
        stopped.resolve();
      },
    };
  }
  const { startHttpServer } = await import('../server/http/http-server.js');
  const server = await startHttpServer({
    maxSessions: MAX_PROXY_SESSIONS,
    ...http,
    createMcpServer: principal =>
      createHostSession({ ...parts, principal, isListening: () => true, asksOnCalls: true }),
    offer,
    onError,
  });
  return {
    url: server.url,
    ended: stopped.promise,
    async close(graceMs = 0) {
      await server.close(graceMs, idleWithin(graceMs));
      await release();
      stopped.resolve();
    },
  };
}
