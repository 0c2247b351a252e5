import { pairProfileSchema } from '../pair/profile.js';

export const exa = pairProfileSchema.parse({
  name: 'exa-researcher',
  source: 'exa-mcp-server up to 3.3',
  start: { tool: 'deep_researcher_start', handleAt: ['researchId', 'taskId'] },
  status: {
    tool: 'deep_researcher_check',
    handleArgument: 'researchId',
    statusAt: 'status',
    handleAt: 'researchId',
    errorAt: 'error',
  },
});
