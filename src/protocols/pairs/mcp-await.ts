import { pairProfileSchema } from '../pair/profile.js';
import { isRecord } from '../tool-result.js';

const waitArgument = { name: 'wait_seconds', mostSeconds: 20, fractions: true };

/** The pair of our own server (docs/bundled-server.md). */
export const mcpAwait = pairProfileSchema.parse({
  name: 'mcp-await',
  source: 'mcp-await',
  start: {
    tool: 'initiate_background_task',
    handleAt: 'task_ref',
    alwaysHandle: true,
    tellsEnd: true,
    idempotencyArgument: 'idempotency_key',
    waitArgument,
  },
  marked: {
    definitionKey: 'io.github.mcp-await/pair',
    callKey: 'io.github.mcp-await/call',
    taskKey: 'io.github.mcp-await/task',
  },
  status: {
    tool: 'resolve_task_status',
    handleArgument: 'task_ref',
    handleAt: 'task_ref',
    statusAt: 'status',
    resultAt: 'result',
    resultAlone: true,
    errorAt: 'error',
    notFoundCodes: ['TASK_NOT_FOUND'],
    messageAt: 'progress.message',
    progressAt: 'progress',
    questionsAt: 'input_requests',
    pollAfterMsAt: 'poll_after_ms',
    waitArgument,
    many: { argument: 'task_refs', max: 100, answersAt: 'tasks' },
  },
  cancel: { tool: 'cancel_background_task', handleArgument: 'task_ref' },
});

/** The handle of a task of which a person knows only the `task_ref`. */
export function handleOfTaskRef(taskRef: string): unknown {
  return { pair: mcpAwait.name, ids: [taskRef], holds: true, many: true };
}

/** The `task_ref` in a handle of our own server, also in one that version 0.1 wrote; undefined for any other handle. */
export function taskRefOf(handle: unknown): string | undefined {
  if (!isRecord(handle) || handle.pair !== mcpAwait.name) return undefined;
  const [id, ...others] = Array.isArray(handle.ids) ? handle.ids : [handle.id];
  if (others.length > 0) return undefined;
  return typeof id === 'number' || (typeof id === 'string' && id !== '') ? String(id) : undefined;
}
