import { pairProfileSchema } from '../pair/profile.js';
import { OWN_PAIR } from './task-ref.js';

const waitArgument = { name: 'wait_seconds', mostSeconds: 20, fractions: true };

/** The pair of our own server (docs/bundled-server.md). */
export const mcpAwait = pairProfileSchema.parse({
  name: OWN_PAIR,
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
