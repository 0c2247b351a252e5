import { isEndStatus, type Snapshot, type TaskStatus } from '../types.js';

/** How a running tool stands, for whoever watches the agent. */
export interface ToolProgress {
  readonly type: 'tool-progress';
  readonly tool: string;
  readonly toolCallId: string | undefined;
  readonly status: TaskStatus;
  readonly progress?: number;
  readonly total?: number;
  readonly message?: string;
}

/** The progress that a snapshot tells; undefined for the end, which comes as the result. */
export function toolProgress(
  tool: string,
  toolCallId: string | undefined,
  { status, message, progress }: Snapshot,
): ToolProgress | undefined {
  if (isEndStatus(status)) return undefined;
  return {
    type: 'tool-progress',
    tool,
    toolCallId,
    status,
    ...(message !== undefined && { message }),
    ...progress,
  };
}
