import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { TaskHandle } from '../client/task-handle.js';
import type { TaskError, TaskReference, TaskStatus } from '../types.js';
import type { CommandIo } from './io.js';

/** The one object that `--json` prints. */
export interface JsonReport {
  readonly status: TaskStatus;
  readonly tool: string;
  readonly reference: TaskReference | null;
  readonly protocol: string;
  /** Status requests answered. */
  readonly attempts: number;
  readonly elapsedMs: number;
  readonly result?: CallToolResult;
  readonly error?: TaskError;
}

export function jsonReport(task: TaskHandle, end: Pick<JsonReport, 'result' | 'error'>): JsonReport {
  const { status, attempt, elapsedMs } = task.snapshot;
  return {
    status,
    tool: task.tool,
    reference: task.reference ?? null,
    protocol: task.protocol,
    attempts: attempt,
    elapsedMs: Math.round(elapsedMs),
    ...end,
  };
}

/** A result as text for a person or a pipe: text blocks as they are, every other block as one line of JSON. */
export function renderResult(result: CallToolResult): string {
  const blocks = result.content.map(block => (block.type === 'text' ? block.text : JSON.stringify(block)));
  if (blocks.length === 0 && result.structuredContent !== undefined)
    return JSON.stringify(result.structuredContent);
  return blocks.join('\n');
}

export function printJson(io: CommandIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value)}\n`);
}
