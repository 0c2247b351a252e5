import { ConfigurationError } from '../../errors.js';
import { sleep } from '../../time/sleep.js';
import type { Engine, EngineOptions } from '../engine.js';
import {
  DEFAULT_KEY_PREFIX,
  DEFAULT_LEASE_MS,
  DEFAULT_MAX_RESULT_BYTES,
  DEFAULT_RETENTION_MS,
  KEY_PREFIX,
} from '../engine-defaults.js';
import type { ServerLocation } from '../store-url.js';
import { BullmqEngine } from './bullmq-engine.js';
import { lockTimes } from './lock-times.js';
import type { ConnectOptions, QueueConnection } from './queue-connection.js';

const PATIENCE_MS = 10_000;

/** @throws ConfigurationError when the store cannot be reached, or the prefix is not usable */
export async function openBullmqEngine(
  connect: (url: string, options: ConnectOptions) => QueueConnection,
  { url, label }: ServerLocation,
  options: EngineOptions,
): Promise<Engine> {
  const locks = lockTimes(options.leaseMs ?? DEFAULT_LEASE_MS);
  const connection = connect(url, { prefix: queuePrefix(options.keyPrefix ?? DEFAULT_KEY_PREFIX), locks });
  await untilReady(connection, label);
  return new BullmqEngine({
    connection,
    label,
    locks,
    maxResultBytes: options.maxResultBytes ?? DEFAULT_MAX_RESULT_BYTES,
    retentionMs: options.retentionMs ?? DEFAULT_RETENTION_MS,
    onLost: options.onLost ?? (() => {}),
  });
}

async function untilReady(connection: QueueConnection, label: string): Promise<void> {
  const ended = new AbortController();
  try {
    await Promise.race([
      connection.ready(),
      sleep(PATIENCE_MS, ended.signal).then(() => {
        throw connection.lastError ?? new Error(`no answer within ${PATIENCE_MS / 1000} s`);
      }),
    ]);
  } catch (cause) {
    await connection.close().catch(() => {});
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new ConfigurationError(
      `The store ${label} cannot be opened: ${reason}. Check that it is running, and its address and password.`,
      { cause },
    );
  } finally {
    ended.abort();
  }
}

/** BullMQ puts a `:` of its own behind the prefix, and PostgreSQL's queue names have none. */
function queuePrefix(keyPrefix: string): string {
  if (KEY_PREFIX.test(keyPrefix)) return keyPrefix.replace(/:+$/, '');
  throw new ConfigurationError(
    `Expected \`keyPrefix\` to be 1 to 48 letters, digits, \`_\`, \`-\` or \`:\`, got ${JSON.stringify(keyPrefix)}.`,
  );
}
