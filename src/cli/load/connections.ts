import { AwaitClient } from '../../client/await-client.js';
import type { ConnectTarget } from '../../client/connect/connect.js';
import type { ConnectionOptions } from '../../client/connect/connection-options.js';
import type { AwaitEvent } from '../../client/events.js';
import type { TaskReference } from '../../types.js';
import type { PollRecorder } from './poll-recorder.js';

export interface ConnectionsOptions extends ConnectionOptions {
  readonly target: ConnectTarget;
  readonly configFile: string | undefined;
  readonly count: number;
  readonly signal: AbortSignal;
}

/** A few connections to one server, shared by all tasks. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #recorders = new Map<string, PollRecorder>();
  #clients: readonly AwaitClient[] = [];
  #reconnects = 0;

  private constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** @throws what AwaitClient.connect throws */
  static async open(options: ConnectionsOptions): Promise<Connections> {
    const connections = new Connections(options);
    const opening = Array.from({ length: options.count }, () => connections.#connect());
    const opened = await Promise.allSettled(opening);
    connections.#clients = opened.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
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
  of(index: number): AwaitClient {
    return this.#clients[index % this.#clients.length] as AwaitClient;
  }

  /** Tells the recorder of the status requests for this task. */
  record({ handle }: TaskReference, recorder: PollRecorder): void {
    this.#recorders.set(JSON.stringify(handle), recorder);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map(client => client.close().catch(() => {})));
  }

  async #connect(): Promise<AwaitClient> {
    const { target, count: _count, ...options } = this.#options;
    const client = await AwaitClient.connect(target, {
      ...options,
      onEvent: event => this.#onEvent(event),
    });
    try {
      // The list of tools is no part of what a start takes.
      await client.explainTools();
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  #onEvent(event: AwaitEvent): void {
    if (event.type === 'connection-restored') this.#reconnects += 1;
    if (event.type === 'status-requested') {
      this.#recorders.get(JSON.stringify(event.reference.handle))?.request(event);
    }
  }
}
