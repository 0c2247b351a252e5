import { AwaitClient } from '../../client/await-client.js';
import type { ConnectTarget } from '../../client/connect.js';
import type { AwaitEvent } from '../../client/events.js';
import { ServerUnavailableError } from '../../errors.js';
import { sleep } from '../../time/sleep.js';
import type { TaskReference } from '../../types.js';
import type { PollRecorder } from './poll-recorder.js';

export interface ConnectionsOptions {
  readonly target: ConnectTarget;
  readonly configFile: string | undefined;
  readonly count: number;
  readonly signal: AbortSignal;
}

const RECONNECT_EVERY_MS = 200;
const RECONNECT_LIMIT_MS = 60_000;

/** A few connections to one server, shared by all tasks. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #recorders = new Map<string, PollRecorder>();
  /** Every client that was ever connected. */
  readonly #opened: AwaitClient[] = [];
  #current: Promise<AwaitClient>[] = [];
  #reconnects = 0;

  private constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** @throws what AwaitClient.connect throws */
  static async open(options: ConnectionsOptions): Promise<Connections> {
    const connections = new Connections(options);
    connections.#current = Array.from({ length: options.count }, () => connections.#connect());
    const opened = await Promise.allSettled(connections.#current);
    const failed = opened.find(result => result.status === 'rejected');
    if (failed === undefined) return connections;
    await connections.close();
    throw failed.reason;
  }

  /** Connections that were lost and made anew. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** The connection of the task with this number. */
  of(index: number): Promise<AwaitClient> {
    return this.#current[index % this.#current.length] as Promise<AwaitClient>;
  }

  /** Another connection in the place of one that is lost; all its tasks get the same. */
  async replace(lost: AwaitClient, index: number): Promise<AwaitClient> {
    const current = await this.of(index);
    if (current !== lost) return current;
    this.#reconnects += 1;
    const next = this.#reconnect();
    this.#current[index % this.#current.length] = next;
    return next;
  }

  /** Tells the recorder of the status requests for this task. */
  record({ handle }: TaskReference, recorder: PollRecorder): void {
    this.#recorders.set(JSON.stringify(handle), recorder);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map(client => client.close().catch(() => {})));
  }

  async #connect(): Promise<AwaitClient> {
    const { target, configFile, signal } = this.#options;
    const client = await AwaitClient.connect(target, {
      configFile,
      signal,
      onEvent: event => this.#onEvent(event),
    });
    this.#opened.push(client);
    // The list of tools is no part of what a start takes.
    await client.explainTools();
    return client;
  }

  async #reconnect(): Promise<AwaitClient> {
    const limitAt = performance.now() + RECONNECT_LIMIT_MS;
    for (;;) {
      try {
        return await this.#connect();
      } catch (error) {
        if (!(error instanceof ServerUnavailableError) || performance.now() > limitAt) throw error;
      }
      await sleep(RECONNECT_EVERY_MS, this.#options.signal);
    }
  }

  #onEvent(event: AwaitEvent): void {
    if (event.type === 'status-requested') {
      this.#recorders.get(JSON.stringify(event.reference.handle))?.request(event);
    }
  }
}
