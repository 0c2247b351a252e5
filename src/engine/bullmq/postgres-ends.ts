import { EventEmitter } from 'node:events';
import type { PostgresConnection } from 'bullmq';
import { Alarm } from '../../time/alarm.js';
import { sleep } from '../../time/sleep.js';
import { CHANGE_EVENTS, END_EVENTS, type EndsOptions } from './queue-connection.js';

/** BullMQ notifies it of events, with the queue's name: of several transactions that commit at once, of one. */
const CHANNEL = 'bullmq_events';
const EVENTS_AFTER = `
  SELECT id, event, data ->> 'jobId' AS "taskRef" FROM event
   WHERE queue = $1 AND id > $2 AND event = ANY($3)
   ORDER BY id`;
const ALL_EVENTS = [...END_EVENTS, ...CHANGE_EVENTS];
/** An event gets its id before its transaction commits: it may come after later ones, within so long. */
const LOOK_BACK_MS = 500;
/** Events that may have got their ids before the first one that is known, and come after it. */
const MAX_UNDER_WAY = 1000;
const RETRY_MS = 500;

export interface PostgresEndsOptions extends EndsOptions {
  /** The queue's full name. */
  readonly queue: string;
}

/** Tells of the ends of a queue's tasks, over the one connection of the engine that listens. */
export class PostgresEnds {
  readonly #connection: PostgresConnection;
  readonly #options: PostgresEndsOptions;
  readonly #changes = new Alarm();
  readonly #closed = new AbortController();
  readonly #reading: Promise<void>;
  #client: ListenClient | undefined;
  /** The last id, and as it was one look back and two of them ago. */
  #last: number;
  #lastBefore: number;
  #settled: number;
  #told = new Set<number>();
  #lookedBackAt = performance.now();

  constructor(connection: PostgresConnection, options: PostgresEndsOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#last = Number(options.since);
    this.#lastBefore = this.#settled = Math.max(0, this.#last - MAX_UNDER_WAY);
    connection.on('listenerinvalidated', this.#ring);
    this.#reading = this.#readOn();
  }

  /** Ends the reading; the connection is others', too. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#connection.removeListener('listenerinvalidated', this.#ring);
    this.#client?.removeListener('notification', this.#onNotification);
    await this.#reading;
  }

  readonly #ring = () => this.#changes.ring();

  readonly #onNotification = (message: {
    readonly channel: string;
    readonly payload?: string | undefined;
  }) => {
    if (message.channel === CHANNEL && message.payload === this.#options.queue) this.#ring();
  };

  async #readOn(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        await this.#listen();
        await this.#read();
        await this.#changes.sleep(LOOK_BACK_MS, signal);
      } catch {
        await sleep(RETRY_MS, signal).catch(() => {});
      }
    }
  }

  /** A connection that broke is replaced by another client. */
  async #listen(): Promise<void> {
    const client = await this.#connection.getListenClient();
    if (client === this.#client || this.#closed.signal.aborted) return;
    // Every queue adds its listeners.
    if (client instanceof EventEmitter) client.setMaxListeners(0);
    client.on('notification', this.#onNotification);
    if (!listening.has(client)) listening.set(client, client.query(`LISTEN ${CHANNEL}`));
    await listening.get(client)?.catch(error => {
      listening.delete(client);
      throw error;
    });
    this.#client = client;
  }

  async #read(): Promise<void> {
    const looksBack = performance.now() - this.#lookedBackAt >= LOOK_BACK_MS;
    const after = looksBack ? this.#settled : this.#last;
    const { queue, hearsChanges, onEnd, onChange } = this.#options;
    const events = hearsChanges() ? ALL_EVENTS : END_EVENTS;
    const { rows } = await this.#connection.pool.query(EVENTS_AFTER, [queue, after, events]);
    for (const row of rows) {
      const id = Number(row.id);
      if (this.#told.has(id)) continue;
      this.#told.add(id);
      this.#last = Math.max(this.#last, id);
      const tell = END_EVENTS.some(event => event === row.event) ? onEnd : onChange;
      tell(String(row.taskRef));
    }
    if (looksBack) this.#settle();
  }

  #settle(): void {
    this.#lookedBackAt = performance.now();
    this.#settled = this.#lastBefore;
    this.#lastBefore = this.#last;
    this.#told = new Set([...this.#told].filter(id => id > this.#settled));
  }
}

type ListenClient = Awaited<ReturnType<PostgresConnection['getListenClient']>>;

/** One statement serves all queues of a client: pg warns of statements that are sent while others wait. */
const listening = new WeakMap<ListenClient, Promise<unknown>>();
