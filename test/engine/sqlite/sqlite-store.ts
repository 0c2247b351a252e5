import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../../../src/engine/open-engine.js';
import type { EngineStore } from '../engine-store.js';

export async function createFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'mcp-await-engine-'));
}

export async function createFileStore(): Promise<EngineStore> {
  const folder = await createFolder();
  return {
    open: options => openEngine(`sqlite:${join(folder, 'tasks.db')}`, options),
    remove: () => rm(folder, { recursive: true }),
  };
}

export async function createMemoryStore(): Promise<EngineStore> {
  return { open: options => openEngine('memory:', options), remove: async () => {} };
}
