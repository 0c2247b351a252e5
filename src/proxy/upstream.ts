import type { ClientCapabilities, ServerCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { SIGN_IN } from '../client/authorization/sign-in.js';
import { AwaitClient } from '../client/await-client.js';
import type { ConnectOptions, ConnectTarget } from '../client/connect/connect.js';
import type { ConnectionOptions } from '../client/connect/connection-options.js';
import type { InputHandler } from '../client/input/input-handler.js';
import type { JournalOptions } from '../client/journal/options.js';
import type { WaitOptions } from '../client/options.js';
import { AwaitAbortedError } from '../errors.js';
import { excerpt } from '../protocols/excerpt.js';
import { OnDispose } from '../time/on-dispose.js';
import { startTimer } from '../time/sleep.js';
import type { Notification } from './joined-notifications.js';

/** A server behind the proxy. */
export interface UpstreamTarget {
  /** What the operator calls it. */
  readonly name: string;
  readonly target: ConnectTarget;
  readonly configFile?: string | undefined;
  /** After how many milliseconds the host gives a call of it up, as its file says. */
  readonly timeoutMs?: number | undefined;
  /** Tells it from every other server, also in another process. */
  readonly id: string;
  readonly journal: JournalOptions | undefined;
  /** Has the tokens of a server that is given none. */
  readonly signIn?: ConnectOptions[typeof SIGN_IN] | undefined;
}

/** The one host for which an upstream is connected. */
export interface UpstreamHost {
  /** What the host can be asked is what its upstreams are told that they can ask. */
  readonly capabilities: ClientCapabilities;
  readonly onInput: InputHandler;
  /** Told what an upstream says without being asked. */
  readonly onNotification: (notification: Notification, upstream: Upstream) => void;
  /** Told that an upstream has come (back), with another session. */
  readonly onNewSession: (upstream: Upstream) => void;
  /** Told that the connection is over for good. */
  readonly onClosed: () => void;
  /** A line for the operator. */
  readonly onNotice: (line: string) => void;
}

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** News that are for the host; all others are between the proxy and its upstream. */
const FORWARDED = [
  'notifications/message',
  'notifications/resources/updated',
  'notifications/tools/list_changed',
  'notifications/resources/list_changed',
  'notifications/prompts/list_changed',
  'notifications/elicitation/complete',
];

/** One server behind the proxy, connected for one host; one that cannot be reached is tried again and again. */
export class Upstream {
  readonly name: string;
  readonly id: string;
  readonly #target: UpstreamTarget;
  readonly #host: UpstreamHost;
  readonly #wait: WaitOptions & ConnectionOptions;
  readonly #closed = new AbortController();
  #connecting: Promise<AwaitClient> | undefined;
  #client: AwaitClient | undefined;
  #failure: unknown;
  #failures = 0;
  #stopRetry = () => {};
  /** Calls under way. */
  #held = 0;
  #isLeft = false;
  #closing: Promise<void> | undefined;

  constructor(target: UpstreamTarget, host: UpstreamHost, wait: WaitOptions & ConnectionOptions) {
    this.name = target.name;
    this.id = target.id;
    this.#target = target;
    this.#host = host;
    this.#wait = wait;
  }

  /** After how many milliseconds the host gives a call of it up, where its file says so. */
  get timeoutMs(): number | undefined {
    return this.#target.timeoutMs;
  }

  /** Undefined where it cannot be reached. */
  get capabilities(): ServerCapabilities | undefined {
    return this.#client?.getServerCapabilities();
  }

  get instructions(): string | undefined {
    return this.#client?.getInstructions();
  }

  /** The client, once there is a connection. @throws why there is none */
  client(): Promise<AwaitClient> {
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    if (this.#connecting === undefined && this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /** The client where there is a connection now. */
  get connected(): AwaitClient | undefined {
    return this.#client;
  }

  /** Keeps the connection until it is disposed, also when the host leaves. */
  hold(): Disposable {
    this.#held++;
    return new OnDispose(() => {
      this.#held--;
      if (this.#isLeft && this.#held === 0) void this.close();
    });
  }

  /** The host has gone: calls under way go on. */
  leave(): void {
    this.#isLeft = true;
    if (this.#held === 0) void this.close();
  }

  async close(): Promise<void> {
    this.#stopRetry();
    this.#host.onClosed();
    this.#closed.abort(new Error('The proxy is closing'));
    this.#closing ??= this.#client?.close().catch(() => {});
    await this.#closing;
  }

  async #connect(): Promise<AwaitClient> {
    const { target, configFile, journal, signIn } = this.#target;
    const { capabilities, onInput, onNotification, onNewSession, onNotice } = this.#host;
    const { elicitation, sampling, roots } = capabilities;
    const asked = {
      ...(elicitation && { elicitation }),
      ...(sampling && { sampling }),
      ...(roots && { roots }),
    };
    try {
      const client = await AwaitClient.connect(target, {
        ...this.#wait,
        configFile,
        [SIGN_IN]: signIn,
        signal: this.#closed.signal,
        capabilities: asked,
        ...(Object.keys(asked).length > 0 && { onInput }),
        journal: journal ?? false,
        onEvent: event => {
          if (event.type === 'connection-restored' && event.newSession) onNewSession(this);
          if (event.type === 'list-repaired')
            onNotice(`The server ${this.name}: ${excerpt(event.problems.join(' '))}`);
          if (event.type === 'journal-failed') onNotice(`${messageOf(event.error)} Calls go on without it.`);
        },
      });
      client.sdkClient.fallbackNotificationHandler = async notification => {
        if (FORWARDED.includes(notification.method)) onNotification(notification, this);
      };
      this.#client = client;
      if (this.#closed.signal.aborted) await client.close();
      if (this.#failures > 0) {
        onNotice(`The server ${this.name} is there now.`);
        onNewSession(this);
      }
      return client;
    } catch (error) {
      if (!(error instanceof AwaitAbortedError)) this.#failed(error);
      throw error;
    } finally {
      this.#connecting = undefined;
    }
  }

  #failed(error: unknown): void {
    const afterMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS);
    this.#failure = error;
    if (this.#failures === 0) {
      this.#host.onNotice(
        `The server ${this.name} cannot be used; the others go on, and it is tried again. ${messageOf(error)}`,
      );
    }
    this.#failures++;
    const retry = () => {
      this.#failure = undefined;
      this.client().catch(() => {});
    };
    this.#stopRetry = startTimer(afterMs, retry, { unref: true });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
