import { z } from 'zod';
import type { Operation } from '../operation.js';
import type { TaskService } from '../task-service.js';
import { initiateBackgroundTask } from './initiate-background-task.js';
import { type OperationToolOptions, operationTool } from './operation-tool.js';
import { resolveTaskStatus } from './resolve-task-status.js';
import { type ServerTool, serverTool } from './server-tool.js';
import { taskAnswer, taskAnswerSchema, taskRefSchema } from './task-answer.js';

const input = z.strictObject({ task_ref: taskRefSchema });

/** The names that no operation may have. */
export const PAIR_TOOLS: readonly string[] = [
  'initiate_background_task',
  'resolve_task_status',
  'cancel_background_task',
];

export interface ServerToolsOptions extends Omit<OperationToolOptions, 'operation'> {
  readonly operations: ReadonlyMap<string, Operation>;
}

/** Every tool of the server by its name: those that serve every operation, and one for each. */
export function serverTools({
  tasks,
  operations,
  ...holding
}: ServerToolsOptions): ReadonlyMap<string, ServerTool> {
  const tools = [
    initiateBackgroundTask(tasks, operations),
    resolveTaskStatus(tasks),
    cancelBackgroundTask(tasks),
    ...[...operations.values()].map(operation => operationTool({ operation, tasks, ...holding })),
  ];
  return new Map(tools.map(tool => [tool.definition.name, tool]));
}

/** Cancels a task; of one that has ended it just tells the state. */
function cancelBackgroundTask(tasks: TaskService): ServerTool {
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
