import { isEndStatus, type Progress, type Snapshot } from '../../types.js';

/**
 * A state as MCP tells progress (spec 2025-11-25, basic/utilities/progress): the task's own figures where it has any,
 * else the number of answers that said "still running"; and its message, else its status. Undefined of an end, which the
 * result tells, and of a status that says no more than the figures.
 */
export function sdkProgressOf({ status, message, progress, attempt }: Snapshot): Progress | undefined {
  if (isEndStatus(status)) return undefined;
  const said = progress?.message ?? message;
  if (progress === undefined) return { progress: attempt, message: said ?? status };
  const told = said ?? (status === 'working' ? undefined : status);
  return { ...progress, ...(told !== undefined && { message: told }) };
}
