import { resolve } from 'node:path';
import { loadPeer } from '../load-peer.js';
import { whenUnlocked } from '../storage/file-lock.js';
import { AWS_PACKAGES } from './dynamodb/packages.js';
import type { Engine, EngineOptions } from './engine.js';
import { MEMORY } from './sqlite/database.js';
import { openSqliteEngine } from './sqlite/sqlite-engine.js';
import { parseStoreUrl } from './store-url.js';

const THIS_STORE = 'This kind of store';

const bullmqEngine = () => import('./bullmq/open-bullmq-engine.js');

/**
 * Opens the engine that a store URL names.
 * @throws ConfigurationError when the URL is none of the known forms, or the store cannot be opened; StoreFailure when
 * its server cannot be reached
 */
export async function openEngine(url: string, options: EngineOptions = {}): Promise<Engine> {
  const location = parseStoreUrl(url);
  switch (location.kind) {
    case 'sqlite':
      return whenUnlocked(() => openSqliteEngine(resolve(location.path), options));
    case 'memory':
      return openSqliteEngine(MEMORY, options);
    case 'redis': {
      const loading = Promise.all([bullmqEngine(), import('./bullmq/redis-connection.js')]);
      const packages = ['bullmq', 'ioredis'];
      const [{ openBullmqEngine }, { connectRedis }] = await loadPeer(loading, {
        part: THIS_STORE,
        packages,
      });
      return openBullmqEngine(connectRedis, location, options);
    }
    case 'postgres': {
      const loading = Promise.all([bullmqEngine(), import('./bullmq/postgres-connection.js')]);
      const packages = ['bullmq', 'ioredis', 'pg'];
      const [{ openBullmqEngine }, { connectPostgres }] = await loadPeer(loading, {
        part: THIS_STORE,
        packages,
      });
      return openBullmqEngine(connectPostgres, location, options);
    }
    case 'dynamodb': {
      const { openDynamodbEngine } = await loadPeer(import('./dynamodb/open-dynamodb-engine.js'), {
        part: THIS_STORE,
        packages: AWS_PACKAGES,
      });
      return openDynamodbEngine(location, options);
    }
  }
}
