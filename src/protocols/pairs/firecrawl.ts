import { pairProfileSchema } from '../pair/profile.js';

export const firecrawlAgent = pairProfileSchema.parse({
  name: 'firecrawl-agent',
  source: 'firecrawl-mcp 3.22.2',
  start: { tool: 'firecrawl_agent', handleAt: 'id' },
  status: { tool: 'firecrawl_agent_status', handleArgument: 'id', statusAt: 'status', errorAt: 'error' },
});

/** From 3.22 on the start tool waits itself, and has no handle in its answer. */
export const firecrawlCrawl = pairProfileSchema.parse({
  name: 'firecrawl-crawl',
  source: 'firecrawl-mcp before 3.22',
  start: { tool: 'firecrawl_crawl', handleAt: ['id', { label: 'with job ID' }, { label: 'job ID' }] },
  status: {
    tool: 'firecrawl_check_crawl_status',
    handleArgument: 'id',
    statusAt: ['status', { label: 'Status' }],
    errorAt: 'error',
    progressAt: 'completed',
    totalAt: 'total',
  },
});
