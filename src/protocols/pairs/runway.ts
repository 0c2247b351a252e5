import { pairProfileSchema } from '../pair/profile.js';

/** Newer versions wait themselves, and answer with `kind` and `url` beside the task's id. */
export const runway = pairProfileSchema.parse({
  name: 'runway',
  source: 'runway-api-mcp-server 1',
  start: {
    tool: ['runway_generateVideo', 'runway_generateImage', 'runway_upscaleVideo', 'runway_editVideo'],
    handleAt: ['task.id', 'id'],
  },
  status: {
    tool: 'runway_getTask',
    handleArgument: 'taskId',
    statusAt: ['task.status', 'status'],
    handleAt: ['task.id', 'id'],
    errorAt: ['task.error', 'task.failure', 'error', 'failure'],
    progressAt: ['task.progress', 'progress'],
  },
  cancel: { tool: 'runway_cancelTask', handleArgument: 'taskId' },
});
