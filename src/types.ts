import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';

/** Where a task stands, in MCP's words (spec 2025-11-25, basic/utilities/tasks, "Task Status Lifecycle"). */
export type TaskStatus = RunningStatus | EndStatus;
export type RunningStatus = 'working' | 'input_required';
export type EndStatus = 'completed' | 'failed' | 'cancelled';

/** Whether nothing comes after this status. */
export function isEndStatus(status: TaskStatus): status is EndStatus {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** How far a task is: the shape of an MCP progress notification (spec 2025-11-25, basic/utilities/progress). */
export interface Progress {
  /** Units done so far. */
  readonly progress: number;
  /** Units in all, when the server knows. */
  readonly total?: number;
  readonly message?: string;
}

/** What is known of a task at one moment. */
export interface Snapshot {
  readonly status: TaskStatus;
  /** The server's own sentence about the state, if it gave one. */
  readonly message?: string;
  readonly progress?: Progress;
  /** Status requests answered so far. */
  readonly attempt: number;
  /** Milliseconds since this process began to start or to resume the task. */
  readonly elapsedMs: number;
  /** What is odd about the wait, in sentences for a person or a model: a status word that is not known, a long silence. */
  readonly notices?: readonly string[];
  /** The server's last answer as it came, with the server's own status word. */
  readonly raw: unknown;
}

/** Why a task did not complete. */
export interface TaskError {
  /** Stable and upper case, such as `SLA_EXCEEDED`; the server's own code where it sent one. */
  readonly code: string;
  readonly message: string;
  /** Whether the server holds that the same call may succeed later. */
  readonly retryable?: boolean;
}

/** How a task ended. */
export type Outcome =
  | { readonly status: 'completed'; readonly result: CallToolResult }
  | { readonly status: 'failed'; readonly error: TaskError; readonly result?: CallToolResult }
  | { readonly status: 'cancelled'; readonly error: TaskError };

/** A running task as plain JSON: all that another process needs to go on waiting for it. */
export interface TaskReference {
  readonly version: 1;
  /** The protocol that reads `handle`, such as `tool-pair`. */
  readonly protocol: string;
  /** The tool that was called. */
  readonly tool: string;
  /** The protocol's own JSON. */
  readonly handle: unknown;
  /** ISO 8601; empty where it is not known. */
  readonly startedAt: string;
}

/** One logical tool call. */
export interface ToolCall {
  readonly name: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Request metadata, sent as it is (spec 2025-11-25, basic, "_meta"). */
  readonly _meta?: Readonly<Record<string, unknown>>;
}
