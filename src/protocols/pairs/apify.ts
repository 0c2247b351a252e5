import { pairProfileSchema } from '../pair/profile.js';

export const apify = pairProfileSchema.parse({
  name: 'apify',
  source: '@apify/actors-mcp-server 0.10.6',
  start: {
    tool: 'call-actor',
    handleAt: 'runId',
    // Its own wait of 30 s would be no shorter than a request may last.
    arguments: { waitSecs: 0 },
  },
  status: {
    tool: 'get-actor-run',
    handleArgument: 'runId',
    statusAt: 'status',
    handleAt: 'runId',
    errorAt: 'error',
    exitCodeAt: 'exitCode',
    messageAt: 'statusMessage',
    waitArgument: { name: 'waitSecs', mostSeconds: 45 },
  },
  result: {
    tool: 'get-dataset-items',
    arguments: {
      datasetId: {
        answer: ['storages.datasets.default.id', 'storages.datasets.default.datasetId', 'defaultDatasetId'],
      },
    },
  },
  cancel: { tool: 'abort-actor-run', handleArgument: 'runId' },
  words: { ready: 'working' },
});
