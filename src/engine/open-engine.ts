import { resolve } from 'node:path';
import { ConfigurationError } from '../errors.js';
import { whenUnlocked } from '../storage/file-lock.js';
import type { Engine, EngineOptions } from './engine.js';
import { MEMORY } from './sqlite/database.js';
import { openSqliteEngine } from './sqlite/sqlite-engine.js';
import { parseStoreUrl } from './store-url.js';

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
      const { openRedisEngine } = await optional(import('./bullmq/redis-engine.js'), 'bullmq ioredis');
      return openRedisEngine(location, options);
    }
    case 'postgres': {
      const { openPostgresEngine } = await optional(
        import('./bullmq/postgres-engine.js'),
        'bullmq ioredis pg',
      );
      return openPostgresEngine(location, options);
    }
    case 'dynamodb':
      throw new ConfigurationError('The engine on DynamoDB is not complete in this version.');
  }
}

/** @throws ConfigurationError that names the packages to install when one is missing */
async function optional<Module>(module: Promise<Module>, packages: string): Promise<Module> {
  return module.catch(cause => {
    if (cause?.code !== 'ERR_MODULE_NOT_FOUND' && cause?.code !== 'MODULE_NOT_FOUND') throw cause;
    throw new ConfigurationError(
      `This kind of store needs packages that are not installed. Run \`npm install ${packages}\`.`,
      { cause },
    );
  });
}
