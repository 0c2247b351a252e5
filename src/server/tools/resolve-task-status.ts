import { z } from 'zod';
import type { TaskService } from '../task-service.js';
import { type ServerTool, serverTool } from './server-tool.js';
import { taskAnswer, taskAnswerSchema, taskRefSchema, waitSecondsSchema } from './task-answer.js';

const input = z.strictObject({
  task_ref: taskRefSchema,
  wait_seconds: waitSecondsSchema.describe(
    'Answer as soon as the task ends, at the latest after this many seconds',
  ),
});

/** Tells the state of a task; with `wait_seconds` a long poll. */
export function resolveTaskStatus(tasks: TaskService): ServerTool {
  return serverTool({
    name: 'resolve_task_status',
    title: 'State of a background task',
    description:
      'Tells the state of a background task, and its result once it is completed. Ask again after poll_after_ms, or let wait_seconds hold the answer back until the task ends.',
    input,
    output: taskAnswerSchema,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run({ task_ref, wait_seconds }, { principal, signal, reportProgress }) {
      const wait = { waitMs: wait_seconds * 1000, signal, onProgress: reportProgress };
      return taskAnswer(await tasks.resolve(principal, task_ref, wait), Date.now());
    },
  });
}
