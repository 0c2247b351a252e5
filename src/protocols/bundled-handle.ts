import { mcpAwaitPair } from './mcp-await-pair.js';
import { isRecord } from './tool-result.js';

/** The handle of a task of the bundled server, of which a person knows only the `task_ref`. */
export function bundledHandle(taskRef: string): unknown {
  return { pair: mcpAwaitPair.name, id: taskRef, holds: true, many: true };
}

/** The `task_ref` in a handle of the bundled server; undefined for any other handle. */
export function bundledTaskRef(handle: unknown): string | undefined {
  if (!isRecord(handle) || handle.pair !== mcpAwaitPair.name) return undefined;
  const { id } = handle;
  return typeof id === 'number' || (typeof id === 'string' && id !== '') ? String(id) : undefined;
}
