import { EventEmitter } from 'node:events';
import {
  type PostgresConnection,
  PostgresQueueBackend,
  type QueueBaseOptions,
  type StreamReadRaw,
} from 'bullmq';
import { Alarm } from '../../time/alarm.js';

/** BullMQ notifies it of every event, with the queue's name. */
const EVENTS_CHANNEL = 'bullmq_events';

/** Of several transactions that commit at once, only one notifies. */
const LONGEST_WAIT_MS = 1000;

/** Just long enough for BullMQ to listen, if it does not yet. */
const NO_WAIT_MS = 1;

/**
 * Reads a queue's events as soon as PostgreSQL notifies of them. BullMQ 6.7 misses a notification that comes between
 * a read that found nothing and its wait, and then waits for ten seconds; this one remembers it.
 */
export class AttentiveBackend extends PostgresQueueBackend {
  readonly #connection: PostgresConnection;
  readonly #name: string;
  readonly #news = new Alarm();
  #client: ListenClient | undefined;
  readonly #closed = new AbortController();

  constructor(connection: PostgresConnection, name: string, options: QueueBaseOptions) {
    super(connection, name, { ...options, connection: {} });
    this.#connection = connection;
    this.#name = name;
    connection.on('listenerinvalidated', () => this.#news.ring());
  }

  override async readEvents(id: string, blockTimeout: number): Promise<StreamReadRaw> {
    await this.#attend();
    const events = await super.readEvents(id, NO_WAIT_MS);
    if (events !== null) return events;
    await this.#news.sleep(Math.min(blockTimeout, LONGEST_WAIT_MS), this.#closed.signal).catch(() => {});
    return this.#closed.signal.aborted ? null : super.readEvents(id, NO_WAIT_MS);
  }

  /** Ends the wait for events; the connection is others', too. */
  override async disconnect(): Promise<void> {
    this.#closed.abort();
    this.#client?.removeListener('notification', this.#onNotification);
  }

  override async close(): Promise<void> {
    await this.disconnect();
  }

  readonly #onNotification = (message: {
    readonly channel: string;
    readonly payload?: string | undefined;
  }) => {
    if (message.channel === EVENTS_CHANNEL && message.payload === this.#name) this.#news.ring();
  };

  /** A connection that broke is replaced by another client. */
  async #attend(): Promise<void> {
    const client = await this.#connection.getListenClient();
    if (client === this.#client) return;
    client.on('notification', this.#onNotification);
    // Every queue adds its listeners.
    if (client instanceof EventEmitter) client.setMaxListeners(0);
    this.#client = client;
  }
}

type ListenClient = Awaited<ReturnType<PostgresConnection['getListenClient']>>;
