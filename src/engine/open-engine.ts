import { resolve } from 'node:path';
import type { Engine, EngineOptions } from './engine.js';
import { MEMORY } from './sqlite/database.js';
import { openSqliteEngine } from './sqlite/sqlite-engine.js';
import { parseStoreUrl } from './store-url.js';

/**
 * Opens the engine that a store URL names.
 * @throws ConfigurationError when the URL is none of the known forms, or the store cannot be opened
 */
export async function openEngine(url: string, options: EngineOptions = {}): Promise<Engine> {
  const location = parseStoreUrl(url);
  switch (location.kind) {
    case 'sqlite':
      return openSqliteEngine(resolve(location.path), options);
    case 'memory':
      return openSqliteEngine(MEMORY, options);
  }
}
