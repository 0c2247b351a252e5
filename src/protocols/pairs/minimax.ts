import { pairProfileSchema } from '../pair/profile.js';

export const minimaxVideo = pairProfileSchema.parse({
  name: 'minimax-video',
  source: 'minimax-mcp-js 0.0.18',
  start: {
    tool: ['generate_video', 'image_to_video'],
    handleAt: { label: 'Task ID' },
    arguments: { asyncMode: true },
  },
  status: {
    tool: 'query_video_generation',
    handleArgument: 'taskId',
    arguments: { outputDirectory: { call: 'outputDirectory' } },
    says: {
      failed: ['Failed to query video generation', 'Failed to generate video', 'Video generation failed'],
      working: ['still processing'],
      completed: ['Success. Video URL:', 'Success. Video saved as:'],
    },
  },
});
