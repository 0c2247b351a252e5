import { randomBytes } from 'node:crypto';
import { Queue } from 'bullmq';
import { BullmqEngine } from '../../../src/engine/bullmq/bullmq-engine.js';
import { connectPostgres } from '../../../src/engine/bullmq/postgres-connection.js';
import { lockTimes, type QueueConnection } from '../../../src/engine/bullmq/queue-connection.js';
import { connectRedis } from '../../../src/engine/bullmq/redis-connection.js';
import { TaskRecords } from '../../../src/engine/bullmq/task-records.js';
import { StoreCalls } from '../../../src/engine/store-calls.js';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import type { ServiceName } from '../../services/index.js';
import { Faults } from './faults.js';

const CONNECT = { Redis: connectRedis, PostgreSQL: connectPostgres };

export interface FaultyOptions {
  readonly leaseMs?: number;
  readonly onLost?: (record: TaskRecord) => void;
}

/** An engine whose store answers as the test wants, and its connection. */
export interface FaultyEngine {
  readonly engine: BullmqEngine;
  readonly faults: Faults;
  readonly connection: QueueConnection;
}

/** Begins a run of the next task of a queue, as a worker that says nothing any more. */
export async function beginAndDie({ backend, records }: QueueConnection, operation: string): Promise<string> {
  const token = `a worker that dies ${randomBytes(6).toString('hex')}`;
  const [, taskRef = ''] = await backend(operation).moveToActive(token);
  const calls = new StoreCalls({ label: 'the test store', isConnectionError: () => false });
  const claimed = await new TaskRecords({ records, calls, onLost: () => {} }).claim(taskRef, token);
  if (claimed === undefined) throw new Error('There was no task to begin.');
  return token;
}

/** BullMQ's own view of the messages of an operation. */
export function bullmqQueue({ backend }: QueueConnection, operation: string) {
  return new Queue(operation, { connection: {} }, () => backend(operation));
}

/** One installation on a server, opened by any number of engines. */
export class BullmqStore {
  readonly #name: ServiceName;
  readonly #url: string;
  readonly prefix = `test_${randomBytes(6).toString('hex')}`;
  readonly #engines: BullmqEngine[] = [];

  constructor(name: ServiceName, url: string) {
    this.#name = name;
    this.#url = url;
  }

  async open({ leaseMs = 30_000, onLost = () => {} }: FaultyOptions = {}): Promise<FaultyEngine> {
    const faults = new Faults();
    const connection = CONNECT[this.#name](this.#url, { prefix: this.prefix, locks: lockTimes(leaseMs) });
    await connection.ready();
    const engine = new BullmqEngine({
      connection: {
        ...connection,
        records: faults.wrap(connection.records),
        backend: name => faults.wrap(connection.backend(name)),
      },
      label: 'the test store',
      maxResultBytes: 1024 * 1024,
      retentionMs: 3_600_000,
      onLost,
      onNotice: () => {},
    });
    this.#engines.push(engine);
    return { engine, faults, connection };
  }

  async close(): Promise<void> {
    await Promise.all(this.#engines.map(engine => engine.close()));
  }
}
