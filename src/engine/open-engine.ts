import { resolve } from 'node:path';
import type { Engine } from './engine.js';
import { MEMORY } from './sqlite/database.js';
import { openSqliteEngine } from './sqlite/sqlite-engine.js';
import { parseStoreUrl } from './store-url.js';

export interface EngineOptions {
  /** Largest result in bytes of its JSON. @default 16777216 (16 MiB) */
  readonly maxResultBytes?: number | undefined;
  /** Milliseconds within which the tasks of a worker that died become `failed`. @default 30000 */
  readonly leaseMs?: number | undefined;
}

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
