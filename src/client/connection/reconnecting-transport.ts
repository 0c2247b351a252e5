import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type {
  JSONRPCMessage,
  JSONRPCRequest,
  MessageExtraInfo,
  RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { OnDispose } from '../../time/on-dispose.js';
import { untilAborted } from '../../time/signals.js';
import type { ConnectionEvidence, OpenTransport } from '../connect/transport.js';
import type { ConnectionEvent } from '../events.js';
import type { Revision } from '../revision-2026-07-28/revision-transport.js';
import { Contact, contactAfter, LostContactError, NotConnectedError } from './contact.js';
import { Link, type LinkListener, lostAnswer } from './link.js';
import { answeredId, cancelledId, isRequest } from './message-kind.js';
import { Reopener, type ReopenerOptions } from './reopener.js';

export interface ReconnectingTransportOptions
  extends Pick<ReopenerOptions, 'explain' | 'serverText' | 'timeoutMs' | 'restarts'> {
  /** Makes a connection that is not started yet. @param revision what the server spoke before; undefined at first */
  readonly open: (revision: Revision | undefined) => Promise<OpenTransport>;
  /** Whether a connection that is lost is opened again. */
  readonly reconnect: boolean;
  /** Largest message of the server, in bytes; undefined where `open` alone knows it. */
  readonly maxAnswerBytes?: number | undefined;
}

/** Limits the attempts at a server that forgets each new session at once. */
const MAX_SESSIONS = 3;

/**
 * A transport that outlives its connections. The SDK's client connects to it once, and keeps its handlers and its
 * requests: when the server's process ends or forgets the session, a new session is opened in the same words. A request
 * that was on its way then fails with a `LostContactError`, because only who sent it knows whether it may be sent
 * again; one that the server has not looked at is sent over the new connection.
 */
export class ReconnectingTransport implements Transport, LinkListener {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  readonly #options: ReconnectingTransportOptions;
  readonly #reopener: Reopener;
  readonly #contact = new Contact();
  readonly #closing = new AbortController();
  /** Connections that were given up and have answers to come. */
  readonly #old = new Set<Link>();
  /** Requests that wait for a connection. */
  readonly #unsent = new Set<RequestId>();
  #state: 'connecting' | 'established' | 'closed' = 'connecting';
  /** The connection; undefined while there is none. */
  #link: Link | undefined;
  #latest: Link | undefined;
  readonly #followed = new Set<(wanted: boolean) => void>();
  /** The client's `initialize`. */
  #greeting: JSONRPCRequest | undefined;
  /** What the server spoke at first. */
  #revision: Revision | undefined;
  #closed: Promise<void> | undefined;
  #protocolVersion: string | undefined;

  constructor(options: ReconnectingTransportOptions) {
    this.#options = options;
    this.#reopener = new Reopener({
      ...options,
      open: () => this.#open(),
      evidence: () => this.evidence(),
      signal: this.#closing.signal,
    });
  }

  /** Largest message of the server, in bytes. */
  get maxAnswerBytes(): number | undefined {
    return this.#options.maxAnswerBytes;
  }

  /** The transport of the present connection; undefined while there is none. */
  get current(): Transport | undefined {
    return this.#link?.transport.wire;
  }

  get sessionId(): string | undefined {
    return this.#link?.transport.sessionId;
  }

  /** What the server speaks, or spoke last. */
  get revision(): Revision {
    return this.#latest?.transport.revision ?? '2025-11-25';
  }

  /** What the last connection has shown. */
  evidence(): ConnectionEvidence {
    return this.#latest?.evidence() ?? { stderr: '', transportError: undefined };
  }

  /** Of the session; undefined before there is one. */
  get protocolVersion(): string | undefined {
    return this.#protocolVersion;
  }

  setProtocolVersion(version: string): void {
    this.#protocolVersion = version;
    this.#link?.transport.setProtocolVersion(version);
  }

  /** Tells `listener` when the connection is lost and when it is there again. */
  observe(listener: (event: ConnectionEvent) => void): void {
    this.#contact.observe(listener);
  }

  /**
   * Settles when there is a connection; undefined when there is one.
   * @throws NotConnectedError when it cannot be had now, ServerUnavailableError when it will not be tried again so
   * soon, or the signal's reason
   */
  ready(signal: AbortSignal): Promise<unknown> | undefined {
    return this.#needsLink() ? untilAborted(this.#reopened(), signal) : undefined;
  }

  /** Opens a lost connection again before a request needs it. */
  restore(): void {
    if (this.#needsLink()) this.#reopened().catch(() => {});
  }

  async start(): Promise<void> {
    this.#link = await this.#open();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (isRequest(message)) return this.#ask(message, options);
    const link = this.#linkFor(message);
    if (link === undefined || link.isClosed) return;
    try {
      await link.transport.send(message, options);
      if ('method' in message && message.method === 'notifications/initialized') {
        this.#state = 'established';
        this.#revision = this.revision;
      }
    } catch (error) {
      this.#noteFailure(error, link);
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  onMessage(message: JSONRPCMessage, extra: MessageExtraInfo | undefined, link: Link): void {
    if (link === this.#link) this.#contact.restore(false);
    this.onmessage?.(message, extra);
    this.#closeIfDone(link);
  }

  onError(error: Error): void {
    this.onerror?.(error);
  }

  onClose(link: Link): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'connecting' || !this.#options.reconnect) {
      void this.close();
      return;
    }
    const cause = new Error(`${this.#options.serverText} ${howItEnded(link.evidence())}`);
    this.#giveUp(link, cause);
    link.failWaiting(cause, message => this.onmessage?.(message));
  }

  onCut(id: RequestId, cause: Error, link: Link): void {
    if (this.#options.reconnect && cause instanceof LostContactError) this.#contact.lose(cause);
    this.onmessage?.(lostAnswer(id, cause));
    this.#closeIfDone(link);
  }

  async #ask(request: JSONRPCRequest, options: TransportSendOptions | undefined): Promise<void> {
    if (this.#state === 'connecting') this.#greeting ??= request;
    for (let sessions = 1; ; sessions++) {
      const link = this.#link ?? (await this.#reopenedFor(request.id));
      // The client has cancelled the request meanwhile.
      if (link === undefined) return;
      try {
        await link.ask(request, options);
        return;
      } catch (error) {
        if (this.#noteFailure(error, link) !== 'gone') throw error;
        if (sessions === MAX_SESSIONS) {
          const message = `${this.#options.serverText} has forgotten ${sessions} sessions, one after another`;
          throw new NotConnectedError(message, { cause: error });
        }
      }
    }
  }

  /** A connection for a request; undefined when the client has taken the request back by then. */
  async #reopenedFor(id: RequestId): Promise<Link | undefined> {
    this.#unsent.add(id);
    try {
      const link = await this.#reopened();
      return this.#unsent.has(id) ? link : undefined;
    } finally {
      this.#unsent.delete(id);
    }
  }

  #noteFailure(error: unknown, link: Link): 'gone' | 'lost' | 'kept' {
    if (this.#state !== 'established' || !this.#options.reconnect) return 'kept';
    const contact = contactAfter(error, link.transport.sessionId);
    if (contact === 'gone') this.#giveUp(link, error);
    if (contact === 'lost') this.#contact.lose(error);
    return contact;
  }

  /** The connection that a message is about; undefined when that is gone. */
  #linkFor(message: JSONRPCMessage): Link | undefined {
    const links = [...(this.#link === undefined ? [] : [this.#link]), ...this.#old];
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) {
      this.#unsent.delete(cancelled);
      const link = links.find(({ waiting }) => waiting.delete(cancelled));
      if (link !== undefined) queueMicrotask(() => this.#closeIfDone(link));
      return link;
    }
    const answered = answeredId(message);
    return answered === undefined ? this.#link : links.find(({ asked }) => asked.delete(answered));
  }

  #needsLink(): boolean {
    return this.#state === 'established' && this.#link === undefined && this.#options.reconnect;
  }

  async #reopened(): Promise<Link> {
    if (!this.#needsLink() || this.#greeting === undefined) throw new Error('Not connected');
    const link = await this.#reopener.reopen(this.#greeting);
    if (link.isClosed) throw new NotConnectedError(`${this.#options.serverText} has ended at once`);
    if (this.#link !== link) {
      this.#link = link;
      for (const tell of this.#followed) tell(true);
      this.#contact.restore(true);
    }
    return link;
  }

  /** Subscribes to these tasks, over this connection and later ones, until the returned Disposable is disposed. */
  follow(taskIds: readonly string[]): Disposable {
    const tell = (wanted: boolean) => {
      for (const id of taskIds) this.#link?.transport.followTask?.(id, wanted);
    };
    this.#followed.add(tell);
    tell(true);
    return new OnDispose(() => {
      this.#followed.delete(tell);
      tell(false);
    });
  }

  async #open(): Promise<Link> {
    const opened = await this.#options.open(this.#state === 'established' ? this.#revision : undefined);
    this.#closing.signal.throwIfAborted();
    this.#latest = new Link(opened, this);
    await this.#latest.transport.start();
    return this.#latest;
  }

  /** From now on nothing is sent over it; answers that are still to come are taken. */
  #giveUp(link: Link, cause: unknown): void {
    if (this.#link === link) this.#link = undefined;
    if (!link.isClosed) this.#old.add(link);
    this.#contact.lose(cause);
    queueMicrotask(() => this.#closeIfDone(link));
  }

  #closeIfDone(link: Link): void {
    if (link.waiting.size === 0 && this.#old.delete(link)) void link.close();
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#closing.abort(new Error('Not connected'));
    const links = new Set([this.#link, this.#latest, ...this.#old]);
    await Promise.all([...links].map(link => link?.close()));
    await this.#reopener.settled();
    this.#link = undefined;
    this.onclose?.();
  }
}

const LAST_WORDS_CHARACTERS = 150;

/** How a server process ended, with the last of its output. */
function howItEnded({ ending, stderr }: ConnectionEvidence): string {
  if (ending === undefined) return 'has ended the connection';
  const lastWords = stderr.trimEnd().split('\n').slice(-3).join(' ').slice(-LAST_WORDS_CHARACTERS);
  return lastWords === '' ? ending : `${ending}; it last wrote to standard error: ${lastWords}`;
}
