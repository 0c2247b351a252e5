import type { Operation } from '../operation.js';
import type { TaskService } from '../task-service.js';
import { cancelBackgroundTask } from './cancel-background-task.js';
import { initiateBackgroundTask } from './initiate-background-task.js';
import { resolveTaskStatus } from './resolve-task-status.js';
import type { ServerTool } from './server-tool.js';

/** Every tool of the server by its name. */
export function serverTools(
  tasks: TaskService,
  operations: ReadonlyMap<string, Operation>,
): ReadonlyMap<string, ServerTool> {
  const tools = [
    initiateBackgroundTask(tasks, operations),
    resolveTaskStatus(tasks),
    cancelBackgroundTask(tasks),
  ];
  return new Map(tools.map(tool => [tool.definition.name, tool]));
}
