import { pairProfileSchema } from '../pair/profile.js';

export const shellServer = pairProfileSchema.parse({
  name: 'mako10k-shell',
  source: '@mako10k/mcp-shell-server 2.7.1',
  start: { tool: 'shell_execute', handleAt: 'execution_id', tellsEnd: true },
  status: {
    tool: 'process_get_execution',
    handleArgument: 'execution_id',
    statusAt: 'status',
    handleAt: 'execution_id',
    exitCodeAt: 'exit_code',
  },
  // The status answer has no output.
  result: {
    tool: 'read_execution_output',
    arguments: { output_id: { answer: 'output_id' }, size: { value: 10_485_760 } },
    alsoFailed: true,
  },
});
