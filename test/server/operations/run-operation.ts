import type { z } from 'zod';
import type { Operation, ProgressReport } from '../../../src/server/operation.js';
import { unasked } from '../../fixtures/server/unasked.js';

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: number | ProgressReport) => void;
}

/** Parses the input as a server does, takes it through JSON as an engine does, and runs it as a worker does. */
export async function runOperation<Input extends z.ZodType, Output>(
  operation: Operation<Input, Output>,
  input: unknown,
  { signal = new AbortController().signal, onProgress = () => {} }: RunOptions = {},
): Promise<Output> {
  const stored = JSON.parse(JSON.stringify(operation.input.parse(input)));
  return operation.run(stored, { signal, taskRef: 'task-1', progress: onProgress, ...unasked });
}

/** The message with which the schema refuses an input. */
export function refusalOf(operation: Operation, input: unknown): string | undefined {
  return operation.input.safeParse(input).error?.issues[0]?.message;
}
