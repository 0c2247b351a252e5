import type { Operation } from '../operation.js';
import type { TaskService } from '../task-service.js';
import { cancelBackgroundTask } from './cancel-background-task.js';
import { initiateBackgroundTask } from './initiate-background-task.js';
import { operationTool } from './operation-tool.js';
import { resolveTaskStatus } from './resolve-task-status.js';
import type { ServerTool } from './server-tool.js';

/** The names that no operation may have. */
export const PAIR_TOOLS: readonly string[] = [
  'initiate_background_task',
  'resolve_task_status',
  'cancel_background_task',
];

export interface ServerToolsOptions {
  readonly tasks: TaskService;
  readonly operations: ReadonlyMap<string, Operation>;
  /** How long a call of an operation's own tool is held that does not say so itself, in milliseconds. */
  readonly inlineWindowMs: number;
}

/** Every tool of the server by its name: those that serve every operation, and one for each. */
export function serverTools({
  tasks,
  operations,
  inlineWindowMs,
}: ServerToolsOptions): ReadonlyMap<string, ServerTool> {
  const tools = [
    initiateBackgroundTask(tasks, operations),
    resolveTaskStatus(tasks),
    cancelBackgroundTask(tasks),
    ...[...operations.values()].map(operation => operationTool({ operation, tasks, inlineWindowMs })),
  ];
  return new Map(tools.map(tool => [tool.definition.name, tool]));
}
