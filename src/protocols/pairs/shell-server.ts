import { pairProfileSchema } from '../pair/profile.js';

export const shellServer = pairProfileSchema.parse({
  name: 'mako10k-shell',
  source: '@mako10k/mcp-shell-server 2.7.1',
  start: { tool: 'shell_execute', handleAt: 'execution_id' },
  status: {
    tool: 'process_get_execution',
    handleArgument: 'execution_id',
    statusAt: 'status',
    handleAt: 'execution_id',
    exitCodeAt: 'exit_code',
  },
});
