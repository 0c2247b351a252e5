import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { TaskRecord } from '../../engine/task-record.js';
import { isJsonObject } from '../is-record.js';

/** What a task that has ended is as the answer to a tool call: a model can read it, a program can branch on it. */
export function resultOfTask({ status, result, error }: TaskRecord): CallToolResult {
  if (status === 'completed') return resultOfValue(result ?? null);
  // The tool has said itself what went wrong.
  if (status === 'failed' && isToolResult(result)) return result;
  const { code, message } = error ?? { code: 'TASK_FAILED', message: 'The task failed.' };
  const what = status === 'cancelled' ? 'The task was cancelled' : 'The task failed';
  return {
    isError: true,
    content: [{ type: 'text', text: `${what}: ${code}: ${message}` }],
    structuredContent: { status, error },
  };
}

/** Structured, and the same JSON as text. What an operation returns as a tool result stays as it is. */
function resultOfValue(value: unknown): CallToolResult {
  if (isToolResult(value)) return value;
  return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: structured(value) };
}

/** MCP's structured content is an object: any other value is its `result`. */
function structured(value: unknown): Record<string, unknown> {
  return isJsonObject(value) ? value : { result: value };
}

function isToolResult(value: unknown): value is CallToolResult {
  return (
    isJsonObject(value) &&
    Array.isArray(value.content) &&
    value.content.every(block => typeof block?.type === 'string')
  );
}
