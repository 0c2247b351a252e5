import type { BundledProfile } from './bundled-profile.js';

const WAIT = { name: 'wait_seconds', mostSeconds: 20 };

/** The bundled server's own pair (docs/server.md). */
export const mcpAwaitPair: BundledProfile = {
  name: 'mcp-await',
  start: {
    tool: 'initiate_background_task',
    handleAt: 'task_ref',
    idempotencyArgument: 'idempotency_key',
    waitArgument: WAIT,
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
    errorAt: 'error',
    progressAt: 'progress',
    questionsAt: 'input_requests',
    pollAfterMsAt: 'poll_after_ms',
    notFoundCodes: ['TASK_NOT_FOUND'],
    waitArgument: WAIT,
    many: { argument: 'task_refs', most: 100, answersAt: 'tasks' },
  },
  cancel: { tool: 'cancel_background_task', handleArgument: 'task_ref' },
  words: {
    queued: 'working',
    pending: 'working',
    processing: 'working',
    completed: 'completed',
    failed: 'failed',
    cancelled: 'cancelled',
  },
};
