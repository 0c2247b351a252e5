import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MEMORY } from '../../../src/engine/sqlite/database.js';
import { openSqliteEngine } from '../../../src/engine/sqlite/sqlite-engine.js';
import type { EngineStore } from '../conformance.js';

export async function createFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'mcp-await-engine-'));
}

export async function createFileStore(): Promise<EngineStore> {
  const folder = await createFolder();
  return {
    open: async options => openSqliteEngine(join(folder, 'state', 'tasks.db'), options),
    remove: () => rm(folder, { recursive: true }),
  };
}

export async function createMemoryStore(): Promise<EngineStore> {
  return { open: async options => openSqliteEngine(MEMORY, options), remove: async () => {} };
}
