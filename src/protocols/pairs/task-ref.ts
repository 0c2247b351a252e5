import { isRecord } from '../tool-result.js';

/** The pair of our own server, without its profile: the journal looks for a `task_ref`, and loads no schemas for it. */
export const OWN_PAIR = 'mcp-await';

/** The handle of a task of which a person knows only the `task_ref`. */
export function handleOfTaskRef(taskRef: string): unknown {
  return { pair: OWN_PAIR, ids: [taskRef], holds: true, many: true };
}

/** The `task_ref` in a handle of our own server, also in one that version 0.1 wrote; undefined for any other handle. */
export function taskRefOf(handle: unknown): string | undefined {
  if (!isRecord(handle) || handle.pair !== OWN_PAIR) return undefined;
  const [id, ...others] = Array.isArray(handle.ids) ? handle.ids : [handle.id];
  if (others.length > 0) return undefined;
  return typeof id === 'number' || (typeof id === 'string' && id !== '') ? String(id) : undefined;
}
