import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Outcome, TaskError } from '../types.js';

/** The outcome that a finished `CallToolResult` stands for. */
export function outcomeOfResult(result: CallToolResult): Outcome {
  if (result.isError !== true) return { status: 'completed', result };
  return { status: 'failed', error: readError(result), result };
}

/** The `CallToolResult` that an outcome stands for: a model can read it, a program can branch on it. */
export function resultOfOutcome(outcome: Outcome): CallToolResult {
  if (outcome.status === 'completed') return outcome.result;
  if (outcome.status === 'failed' && outcome.result !== undefined) return outcome.result;
  const { status, error } = outcome;
  return {
    isError: true,
    content: [
      {
        type: 'text',
        text: `The task ${status === 'failed' ? 'failed' : 'was cancelled'}: ${error.code}: ${error.message}`,
      },
    ],
    structuredContent: { status, error: { ...error } },
  };
}

/** What a server says of a task that failed, with `{status, error}` as data beside its own. */
export function failedResult(result: CallToolResult, error: TaskError): CallToolResult {
  const structuredContent = { ...result.structuredContent, status: 'failed', error: { ...error } };
  return { ...result, isError: true, structuredContent };
}

/** A JSON value as a `CallToolResult`: structured, and the same JSON as text. One that is a tool result already stays as it is. */
export function resultOfValue(value: unknown): CallToolResult {
  const blocks = isRecord(value) ? value.content : undefined;
  if (Array.isArray(blocks) && blocks.every(block => typeof block?.type === 'string'))
    return value as CallToolResult;
  const structuredContent = isRecord(value) ? value : { result: value };
  return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent };
}

/**
 * The data of a result: `structuredContent`, else the first text block that is a JSON object.
 * Undefined when there is neither.
 */
export function payloadOf(result: CallToolResult): Readonly<Record<string, unknown>> | undefined {
  if (isRecord(result.structuredContent)) return result.structuredContent;
  for (const block of result.content ?? []) {
    const parsed = block.type === 'text' ? parseJson(block.text) : undefined;
    if (isRecord(parsed)) return parsed;
  }
  return undefined;
}

/** All text blocks of a result, joined by line breaks. */
export function textOf(result: CallToolResult): string {
  return (result.content ?? []).flatMap(block => (block.type === 'text' ? [block.text] : [])).join('\n');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readError(result: CallToolResult): TaskError {
  const error = payloadOf(result)?.error;
  if (isRecord(error) && typeof error.code === 'string' && typeof error.message === 'string') {
    const { code, message, retryable } = error;
    return { code, message, ...(typeof retryable === 'boolean' && { retryable }) };
  }
  return { code: 'TOOL_ERROR', message: textOf(result) || 'The tool reported an error without a text.' };
}

/** Undefined where the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
