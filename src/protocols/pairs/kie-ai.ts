import { pairProfileSchema } from '../pair/profile.js';

export const kieAi = pairProfileSchema.parse({
  name: 'kie-ai',
  source: '@felores/kie-ai-mcp-server 5.0.0',
  start: {
    tool: [
      'nano_banana_generate',
      'nano_banana_edit',
      'nano_banana_upscale',
      'nano_banana_image',
      'veo3_generate_video',
      'suno_generate_music',
      'elevenlabs_tts',
      'elevenlabs_ttsfx',
      'bytedance_seedance_video',
      'bytedance_seedream_image',
      'qwen_image',
      'runway_aleph_video',
      'wan_video',
      'hailuo_video',
      'kling_video',
      'sora_video',
      'openai_4o_image',
      'flux_kontext_image',
      'midjourney_generate',
      'recraft_remove_background',
      'ideogram_reframe',
      'submit_media_generation',
    ],
    handleAt: ['task_id', 'taskId', 'results.*.taskId', 'results.*.task_id'],
  },
  status: {
    tool: 'get_task_status',
    handleArgument: 'task_id',
    statusAt: 'status',
    handleAt: 'task_id',
    errorAt: 'error',
    pollAfterSecondsAt: 'polling_strategy.recommended_interval_seconds',
  },
  // Words of its providers that it hands on. Some are of a step on the way.
  words: { text_success: 'working', first_success: 'working' },
  hides: ['wait_for_task'],
});
