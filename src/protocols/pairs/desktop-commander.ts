import { pairProfileSchema } from '../pair/profile.js';

export const desktopCommander = pairProfileSchema.parse({
  name: 'desktop-commander',
  source: '@wonderwhy-er/desktop-commander 0.2.52',
  start: { tool: 'start_process', handleAt: { label: 'PID' } },
  status: {
    tool: 'read_process_output',
    handleArgument: 'pid',
    // The end of all output, not only of what is new: an answer is the whole.
    arguments: { offset: { value: -1000 } },
    says: {
      input_required: ['waiting for input'],
      working: ['⏳ Process is running', '⏳ Process running', 'Process is still running'],
      completed: ['Process completed with exit code', 'Process finished with exit code'],
    },
    exitCodeAt: { label: 'exit code' },
    waitArgument: { name: 'timeout_ms', mostSeconds: 20, unit: 'milliseconds' },
  },
  cancel: { tool: 'force_terminate', handleArgument: 'pid' },
});
