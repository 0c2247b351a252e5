import { resolve } from 'node:path';
import { ConfigurationError } from '../errors.js';
import type { Engine } from './engine.js';
import { openSqliteEngine } from './sqlite/sqlite-engine.js';

export interface EngineOptions {
  /** Largest result in bytes of its JSON. @default 16777216 (16 MiB) */
  readonly maxResultBytes?: number | undefined;
  /** Milliseconds within which the tasks of a worker that died become `failed`. @default 30000 */
  readonly leaseMs?: number | undefined;
}

const FORMS = 'sqlite:PATH or memory:';

/**
 * Opens the engine that a store URL names.
 * @throws ConfigurationError when the URL is none of the known forms, or the store cannot be opened
 */
export async function openEngine(url: string, options: EngineOptions = {}): Promise<Engine> {
  const [scheme, rest] = splitUrl(url);
  switch (scheme) {
    case 'sqlite':
      if (rest === '') throw new ConfigurationError(`The store ${url} names no file. Expected ${FORMS}.`);
      return openSqliteEngine(resolve(rest), options);
    case 'memory':
      return openSqliteEngine(':memory:', options);
    case 'redis':
    case 'rediss':
    case 'postgres':
    case 'postgresql':
      throw new ConfigurationError(`This version has no store for ${scheme}: URLs yet. Expected ${FORMS}.`);
    default:
      throw new ConfigurationError(`\`${url}\` is no store. Expected ${FORMS}.`);
  }
}

function splitUrl(url: string): [string | undefined, string] {
  const match = /^([a-z]+):(.*)$/s.exec(url);
  return [match?.[1], match?.[2] ?? ''];
}
