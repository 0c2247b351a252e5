import { pairProfileSchema } from '../pair/profile.js';

/** Named only: a preview run of the same tool starts nothing. */
export const azurePipelines = pairProfileSchema.parse({
  name: 'azure-pipelines',
  source: '@azure-devops/mcp, src/tools/pipelines.ts; RunState and RunResult of azure-devops-node-api',
  start: { tool: 'pipelines_run_pipeline', handleAt: 'id' },
  status: {
    tool: 'pipelines_get_run',
    handleArgument: 'runId',
    arguments: { project: { call: 'project' }, pipelineId: { call: 'pipelineId' } },
    handleAt: 'id',
    statusAt: ['result', 'state'],
  },
  words: {
    'result=0': 'working',
    'result=1': 'completed',
    'result=2': 'failed',
    'result=4': 'cancelled',
    'state=1': 'working',
    'state=2': 'working',
    // Completed: its result follows.
    'state=4': 'working',
  },
});
