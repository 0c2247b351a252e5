import { pairProfileSchema } from '../pair/profile.js';

const source = '@rlabs-inc/gemini-mcp 0.8.1';

export const geminiResearch = pairProfileSchema.parse({
  name: 'gemini-research',
  source,
  start: { tool: 'gemini-deep-research', handleAt: { label: 'Research ID' } },
  status: {
    tool: 'gemini-check-research',
    handleArgument: 'researchId',
    statusAt: { label: 'Status' },
  },
});

export const geminiVideo = pairProfileSchema.parse({
  name: 'gemini-video',
  source,
  start: { tool: 'gemini-generate-video', handleAt: { label: 'Operation ID' } },
  status: {
    tool: 'gemini-check-video',
    handleArgument: 'operationId',
    statusAt: { label: 'Status' },
  },
});
