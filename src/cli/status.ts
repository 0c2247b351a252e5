import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { TaskHandle } from '../client/task-handle.js';
import { AwaitTimeoutError } from '../errors.js';
import { outcomeOfResult, resultOfOutcome } from '../protocols/tool-result.js';
import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { findJob, referenceOf } from './jobs.js';
import { endedTask } from './kept-job.js';
import { chooseAgain } from './known-choice.js';
import { describeNotices, describeState } from './progress-view.js';
import { jsonReport, printJson, printLines, type ReportedTask } from './report.js';
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

async function withTask(
  source: string,
  flags: StatusFlags,
  command: readonly string[],
  io: CommandIo,
  act: (task: TaskHandle) => Promise<void>,
): Promise<number> {
  const job = await findJob({ source, flags, command, io });
  const { record } = job;
  if (record?.outcome !== undefined) {
    printState(endedTask(record, record.outcome), resultOfOutcome(record.outcome), flags, io);
    return ExitCode.completed;
  }
  const reference = referenceOf(job);
  const choice = chooseAgain(record, flags, command);
  return withClient(
    { ...choice.flags, journal: true },
    choice.command,
    io,
    async ({ client, interrupts }) => {
      const task = await client.resumeTask(reference, { maxAttempts: 1, signal: interrupts.first });
      await act(task);
      printState(task, await resultIfEnded(task), flags, io);
      return ExitCode.completed;
    },
  );
}

function printState(
  task: ReportedTask,
  result: CallToolResult | undefined,
  { json }: StatusFlags,
  io: CommandIo,
): void {
  if (json === true) printJson(io, jsonReport(task, endOf(result)));
  else {
    const { tool, snapshot } = task;
    printLines(io, [describeState(tool, snapshot), ...describeNotices(tool, snapshot)]);
  }
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
