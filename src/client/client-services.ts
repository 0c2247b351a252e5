import { setMaxListeners } from 'node:events';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { NativeTasks, Port } from '../protocols/protocol.js';
import { ReconnectingTransport } from './connection/reconnecting-transport.js';
import { Circuits, resolveCircuitOptions } from './faults/circuits.js';
import * as explain from './faults/explain.js';
import { PendingQuestions } from './input/pending-questions.js';
import { identityOf } from './journal/identify.js';
import { Journal } from './journal/journal.js';
import { resolveJournalOptions } from './journal/options.js';
import {
  type AwaitClientOptions,
  type CallOptions,
  defaultWaitOptions,
  type ResolvedWaitOptions,
  resolveWaitOptions,
} from './options.js';
import { type Ready, sdkPort, tapMessages } from './sdk/sdk-port.js';
import type { ProblemListener } from './sdk/tolerant-requests.js';
import { resolvePairOptions } from './tools/pair-options.js';
import { nativeTasksOf, ToolCatalog } from './tools/tool-catalog.js';
import { type KnownDurations, knownDurations } from './waiting/known-durations.js';
import { Limiter } from './waiting/limiter.js';
import { ResourceSubscriptions, readNotification, TaskNotifications } from './waiting/notifications.js';
import { PollScheduler, pollRate } from './waiting/poll-scheduler.js';
import { CallStats, type CountedCall } from './watches/call-stats.js';

/** Requests that the server may hold at the same time; each is a connection over HTTP. */
const MAX_HELD_REQUESTS = 32;

/**
 * Starts under way at the same time, without those that the server holds; each is a connection over HTTP. A server that
 * writes tasks down in groups answers all of them at once, and their answers are read in one turn of the event loop.
 */
const MAX_STARTS = 32;

/** What the calls of one client share, made once per client. */
export interface ClientServices {
  /** The defaults of every call. */
  readonly wait: ResolvedWaitOptions;
  readonly ready: Ready | undefined;
  readonly port: Port;
  /** The tasks of MCP itself that the connection can use. */
  readonly nativeTasks: () => NativeTasks | undefined;
  readonly catalog: ToolCatalog;
  /** Says when status requests are sent. */
  readonly scheduler: PollScheduler;
  /** Limits the requests that the server holds. */
  readonly holdLimiter: Limiter;
  /** Limits the starts under way. */
  readonly startLimiter: Limiter;
  readonly durations: KnownDurations;
  readonly notifications: TaskNotifications;
  readonly resources: ResourceSubscriptions;
  /** Has the server tell of these tasks until the returned Disposable is disposed, where it tells only what it is asked to. */
  readonly follow: ((taskIds: readonly string[]) => Disposable | undefined) | undefined;
  /** The waits under way. */
  readonly openRuns: OpenRuns;
  readonly journal: Journal | undefined;
  /** Answers the server's questions. */
  readonly questions: PendingQuestions;
  /** Counts every call; with it go breaker, trace, and the user's `onEvent`. */
  readonly stats: CallStats;
}

/** One call: what its client shares, and what its caller wants. */
export interface RunContext {
  readonly services: ClientServices;
  readonly tool: string;
  readonly wait: ResolvedWaitOptions;
  readonly call: Pick<CallOptions, 'signal' | 'onUpdate' | 'onInput' | 'idempotencyKey'>;
  /** Observes the call, and may prevent its sending. */
  readonly watch: CountedCall;
}

/** @throws ConfigurationError when an option is not usable */
export function clientServices(
  client: Client,
  options: AwaitClientOptions,
  onProblems: ProblemListener,
): ClientServices {
  const { transport } = client;
  const { onEvent } = options;
  const connection = transport instanceof ReconnectingTransport ? transport : undefined;
  const openRuns = new OpenRuns();
  const { closed } = openRuns;
  const wait = resolveWaitOptions(options, defaultWaitOptions);
  const scheduler = new PollScheduler(pollRate(options));
  const ready: Ready | undefined = connection && (signal => connection.ready(signal));
  const questions = new PendingQuestions(client, options.onInput);
  const port = sdkPort(client, {
    ready,
    // A request that waits for a token, or for somebody who signs in, is not silent.
    lastSignAt: () => Math.max(questions.open.lastOpenAt, connection?.evidence().tokenAskedAt ?? 0),
  });
  const journal = openJournal(client, options);
  const catalog = new ToolCatalog({
    client,
    port,
    closed,
    proofs: journal?.proofs(),
    pairs: resolvePairOptions(options),
    onProblems: problems => onProblems('tools/list', problems),
    maxListBytes: connection?.maxAnswerBytes,
  });
  const isOffered = () => client.getServerCapabilities()?.resources?.subscribe === true;
  const resources = new ResourceSubscriptions({ port, isOffered, closed });
  const breaker = resolveCircuitOptions(options.circuitBreaker);
  const circuits = breaker && new Circuits(breaker, onEvent);
  const notifications = new TaskNotifications();
  connection?.observe(event => {
    if (event.type === 'connection-restored' && event.newSession) {
      // The server has lost its subscriptions with the old session, and may be another version.
      catalog.forget();
      resources.renew();
      notifications.tellMissed();
    }
    onEvent?.(event);
    if (event.type !== 'connection-lost') return;
    questions.open.clear();
    // Reconnects at once, because tasks inside the server's process run only while the process does.
    if (openRuns.endings.size > 0) connection.restore();
  });
  tapMessages(client, {
    received(message) {
      questions.open.received(message);
      if ('id' in message) return;
      if (message.method === 'notifications/tools/list_changed') catalog.forget();
      const told = readNotification(message);
      if (told !== undefined) notifications.tell(told);
    },
    answered: id => questions.open.closed(id),
  });
  return {
    wait,
    ready,
    port,
    nativeTasks: () => nativeTasksOf(client),
    catalog,
    scheduler,
    holdLimiter: new Limiter(MAX_HELD_REQUESTS),
    startLimiter: new Limiter(MAX_STARTS),
    durations: knownDurations(client, journal?.durations()),
    notifications,
    resources,
    follow: connection && (taskIds => connection.follow(taskIds)),
    openRuns,
    journal,
    questions,
    stats: new CallStats({ circuits, onEvent, traced: { client, closed } }),
  };
}

/** What can be ended because its client is closed. */
interface Endable {
  end(reason: explain.EndReason): void;
}

/** The waits of one client that are under way, so that closing the client ends them. */
export class OpenRuns {
  /** Closing the client ends each. */
  readonly endings = new Set<Endable>();
  readonly #closing = new AbortController();
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal = this.#closing.signal;

  constructor() {
    setMaxListeners(0, this.closed);
  }

  close(): void {
    this.#closing.abort(new Error('The client was closed.'));
    for (const ending of this.endings) ending.end(explain.closed);
  }
}

/** The journal that the options ask for, whose failures are events. @throws ConfigurationError */
function openJournal(sdkClient: Client, { journal, onEvent }: AwaitClientOptions): Journal | undefined {
  const options = resolveJournalOptions(journal);
  if (options === undefined) return undefined;
  return new Journal({
    ...options,
    identity: () => identityOf(sdkClient, options.server),
    onFailure: error => onEvent?.({ type: 'journal-failed', error }),
  });
}
