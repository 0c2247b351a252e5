import { z } from 'zod';
import type { TaskService } from '../task-service.js';
import { type ServerTool, serverTool } from './server-tool.js';
import { taskAnswer, taskAnswerSchema, taskRefSchema } from './task-answer.js';

const input = z.strictObject({ task_ref: taskRefSchema });

/** Cancels a task; of one that has ended it just tells the state. */
export function cancelBackgroundTask(tasks: TaskService): ServerTool {
  return serverTool({
    name: 'cancel_background_task',
    title: 'Cancel a background task',
    description: 'Cancels a background task and returns its state. A task that has ended stays as it is.',
    input,
    output: taskAnswerSchema,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async run({ task_ref }, { principal }) {
      return taskAnswer(await tasks.cancel(principal, task_ref), Date.now());
    },
  });
}
