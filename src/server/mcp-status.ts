import type { TaskRecord } from '../engine/task-record.js';
import type { TaskStatus } from '../types.js';

/** Where a task stands, in MCP's words. */
export function mcpStatus({ status, inputRequests }: TaskRecord): TaskStatus {
  if (inputRequests !== undefined) return 'input_required';
  switch (status) {
    case 'pending':
    case 'processing':
      return 'working';
    case 'completed':
    case 'failed':
    case 'cancelled':
      return status;
  }
}
