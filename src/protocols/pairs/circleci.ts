import { pairProfileSchema } from '../pair/profile.js';

const ARGUMENTS = ['orgId', 'outputDir', 'originalUserMessage'];

export const circleci = pairProfileSchema.parse({
  name: 'circleci-usage',
  source: '@circleci/mcp-server-circleci 0.20',
  start: { tool: 'download_usage_api_data', handleAt: ['jobId', { label: 'Job ID' }] },
  status: {
    tool: 'download_usage_api_data',
    handleArgument: 'params.jobId',
    arguments: Object.fromEntries(ARGUMENTS.map(name => [`params.${name}`, { call: `params.${name}` }])),
    says: {
      failed: ['ERROR:'],
      working: ['still processing', 'please try again', 'state: created', 'state: pending'],
      completed: ['saved', 'downloaded'],
    },
  },
});
