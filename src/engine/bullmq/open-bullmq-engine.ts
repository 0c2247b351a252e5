import { ConfigurationError } from '../../errors.js';
import { sleep } from '../../time/sleep.js';
import type { Engine, EngineOptions, StoreNotice } from '../engine.js';
import {
  DEFAULT_KEY_PREFIX,
  DEFAULT_LEASE_MS,
  DEFAULT_MAX_RESULT_BYTES,
  DEFAULT_RETENTION_MS,
  KEY_PREFIX,
} from '../engine-defaults.js';
import { failureCode } from '../failure-code.js';
import type { ServerLocation } from '../store-url.js';
import { BullmqEngine } from './bullmq-engine.js';
import { lockTimes } from './lock-times.js';
import { openFailure } from './open-failure.js';
import type { QueueConnection, QueueConnectOptions } from './queue-connection.js';

const PATIENCE_MS = 10_000;
const PAUSE_MS = 500;

type Connect = (url: string, options: QueueConnectOptions) => QueueConnection;

/**
 * @throws ConfigurationError when the store refuses, or the prefix is not usable; StoreFailure when the store cannot be
 * reached
 */
export async function openBullmqEngine(
  connect: Connect,
  { url, label }: ServerLocation,
  options: EngineOptions,
): Promise<Engine> {
  const locks = lockTimes(options.leaseMs ?? DEFAULT_LEASE_MS);
  const prefix = queuePrefix(options.keyPrefix ?? DEFAULT_KEY_PREFIX);
  const connection = await connected(() => connect(url, { prefix, locks }), label, options.onNotice);
  return new BullmqEngine({
    connection,
    label,
    locks,
    maxResultBytes: options.maxResultBytes ?? DEFAULT_MAX_RESULT_BYTES,
    retentionMs: options.retentionMs ?? DEFAULT_RETENTION_MS,
    onLost: options.onLost ?? (() => {}),
    onNotice: options.onNotice ?? (() => {}),
  });
}

/** For some seconds, a store that cannot be reached may be one that is just being started. */
async function connected(
  connect: () => QueueConnection,
  label: string,
  onNotice: EngineOptions['onNotice'] = () => {},
): Promise<QueueConnection> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const connection = connect();
    try {
      const notices = await untilReady(connection, deadline - performance.now());
      for (const notice of notices) onNotice(notice);
      return connection;
    } catch (error) {
      await connection.close().catch(() => {});
      const isUnreachable = connection.isConnectionError(error);
      const isHopeless = failureCode(error) === 'ENOTFOUND';
      if (!isUnreachable || isHopeless || performance.now() + PAUSE_MS > deadline) {
        throw openFailure(label, { error, isUnreachable });
      }
      await sleep(PAUSE_MS, new AbortController().signal);
    }
  }
}

async function untilReady(connection: QueueConnection, patienceMs: number): Promise<readonly StoreNotice[]> {
  const ended = new AbortController();
  const silence = sleep(patienceMs, ended.signal).then(() => {
    throw (
      connection.lastError ??
      Object.assign(new Error(`no answer within ${PATIENCE_MS / 1000} s`), { code: 'ETIMEDOUT' })
    );
  });
  try {
    return await Promise.race([connection.ready(), silence]);
  } finally {
    ended.abort();
    silence.catch(() => {});
  }
}

/** BullMQ puts a `:` of its own behind the prefix, and PostgreSQL's queue names have none. */
function queuePrefix(keyPrefix: string): string {
  if (KEY_PREFIX.test(keyPrefix)) return keyPrefix.replace(/:+$/, '');
  throw new ConfigurationError(
    `Expected \`keyPrefix\` to be 1 to 48 letters, digits, \`_\`, \`-\` or \`:\`, got ${JSON.stringify(keyPrefix)}.`,
  );
}
