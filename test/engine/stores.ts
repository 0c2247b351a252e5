import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteEngine } from '../../src/engine/sqlite/sqlite-engine.js';
import type { EngineStore } from './conformance.js';

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'mcp-await-engine-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A store in a file of a folder of its own. */
export async function createFileStore(): Promise<EngineStore & { readonly file: string }> {
  const folder = temporaryFolder();
  const file = join(folder.path, 'state', 'tasks.db');
  return {
    file,
    open: async options => openSqliteEngine(file, options),
    remove: async () => folder.remove(),
  };
}

export async function createMemoryStore(): Promise<EngineStore> {
  return {
    open: async options => openSqliteEngine(':memory:', options),
    remove: async () => {},
  };
}
