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
export interface Connections {
  /** Connections that were lost and made anew. */
  readonly reconnects: number;
  /** The connection of the task with this number. */
  of(index: number): AwaitClient;
  /** Tells the recorder of the status requests for this task. */
  record(reference: TaskReference, recorder: PollRecorder): void;
  close(): Promise<void>;
}

/** @throws what AwaitClient.connect throws */
export async function openConnections(given: ConnectionsOptions): Promise<Connections> {
  const { target, count, ...options } = given;
  const recorders = new Map<string, PollRecorder>();
  let reconnects = 0;
  const onEvent = (event: AwaitEvent) => {
    if (event.type === 'connection-restored') reconnects += 1;
    if (event.type === 'status-requested')
      recorders.get(JSON.stringify(event.reference.handle))?.request(event);
  };
  async function connect(): Promise<AwaitClient> {
    const client = await AwaitClient.connect(target, { ...options, onEvent });
    try {
      // The list of tools is no part of what a start takes.
      await client.explainTools();
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }
  const opened = await Promise.allSettled(Array.from({ length: count }, connect));
  const clients = opened.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  const close = async () => void (await Promise.all(clients.map(client => client.close().catch(() => {}))));
  const failed = opened.find(result => result.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return {
    get reconnects() {
      return reconnects;
    },
    of: index => clients[index % clients.length] as AwaitClient,
    record: ({ handle }, recorder) => void recorders.set(JSON.stringify(handle), recorder),
    close,
  };
}
