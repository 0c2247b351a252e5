import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { TaskHandle } from '../client/task-handle.js';
import { AwaitTimeoutError } from '../errors.js';
import { outcomeOfResult } from '../protocols/tool-result.js';
import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { describeState } from './progress-view.js';
import { readReference } from './reference-text.js';
import { jsonReport, printJson } from './report.js';
import { withClient } from './with-client.js';

export interface StatusFlags extends ServerFlags {
  readonly json?: boolean;
}

/** `mcp-await status`: tells once how a job stands. */
export function status(
  source: string,
  flags: StatusFlags,
  command: readonly string[],
  io: CommandIo,
): Promise<number> {
  return withTask(source, flags, command, io, async () => {});
}

/** `mcp-await cancel`: cancels a job and tells how it then stands. */
export function cancel(
  source: string,
  flags: StatusFlags,
  command: readonly string[],
  io: CommandIo,
): Promise<number> {
  return withTask(source, flags, command, io, task => task.cancel());
}

function withTask(
  source: string,
  flags: StatusFlags,
  command: readonly string[],
  io: CommandIo,
  act: (task: TaskHandle) => Promise<void>,
): Promise<number> {
  return withClient(flags, command, io, async ({ client, interrupts }) => {
    const reference = await readReference(source, io);
    const task = await client.resumeTask(reference, { maxAttempts: 1, signal: interrupts.first });
    await act(task);
    await printState(task, flags, io);
    return ExitCode.completed;
  });
}

async function printState(task: TaskHandle, { json }: StatusFlags, io: CommandIo): Promise<void> {
  const result = await resultIfEnded(task);
  if (json === true) printJson(io, jsonReport(task, endOf(result)));
  else io.stdout.write(`${describeState(task.tool, task.snapshot)}\n`);
}

/** A task that is still running after the one status request has no result yet, which is no error here. */
async function resultIfEnded(task: TaskHandle): Promise<CallToolResult | undefined> {
  try {
    return await task.result();
  } catch (error) {
    if (error instanceof AwaitTimeoutError) return undefined;
    throw error;
  }
}

function endOf(result: CallToolResult | undefined) {
  if (result === undefined) return {};
  const outcome = outcomeOfResult(result);
  return outcome.status === 'failed' ? { result, error: outcome.error } : { result };
}
