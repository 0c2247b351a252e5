import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { JournalRecord } from '../client/journal/journal-record.js';
import type { TaskHandle } from '../client/task-handle.js';
import { AwaitTimeoutError } from '../errors.js';
import { resultOfOutcome } from '../protocols/tool-result.js';
import { formatDuration } from '../time/duration.js';
import { describeNotices, describeState } from './describe-state.js';
import { ExitCode } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import { isHeldJob, onceReleased, requestCancel } from './held-job.js';
import type { CommandIo } from './io.js';
import { findJob, type JobQuestion, referenceOf, shownId } from './jobs.js';
import { chooseAgain } from './known-choice.js';
import {
  endedTask,
  endOf,
  heldTask,
  jsonReport,
  printJson,
  printLines,
  type ReportedTask,
} from './report.js';
import { showStart } from './terminal.js';

export interface StatusFlags extends ServerFlags {
  readonly json?: boolean;
}

type Act = (task: TaskHandle) => Promise<void>;

const onlyLook: Act = async () => {};

/** `mcp-await status`: tells once how a job stands. */
export const status = commandFor(onlyLook);

/** `mcp-await cancel`: cancels a job and tells how it then stands. */
export const cancel = commandFor(task => task.cancel());

function commandFor(act: Act) {
  return (source: string, flags: StatusFlags, command: readonly string[], io: CommandIo) =>
    actAndTell(act, { source, flags, command, io });
}

async function actAndTell(
  act: Act,
  { source, flags, command, io }: JobQuestion & { readonly flags: StatusFlags },
): Promise<number> {
  const job = await findJob({ source, flags, command, io });
  const { record } = job;
  if (record?.outcome !== undefined) {
    printState(endedTask(record, record.outcome), resultOfOutcome(record.outcome), flags, io);
    return ExitCode.completed;
  }
  if (record !== undefined && isHeldJob(record)) return tellHeld(record, { act, flags, io });
  const reference = referenceOf(job);
  const choice = chooseAgain(record, flags, command);
  const eraseStart = showStart(['status'], io);
  const { withClient } = await import('./with-client.js');
  eraseStart();
  return withClient(
    { ...choice.flags, journal: true },
    choice.command,
    io,
    async ({ client, interrupts, view }) => {
      view.step(`asking how ${reference.tool} stands`);
      const task = await client.resumeTask(reference, { maxAttempts: 1, signal: interrupts.first });
      await act(task);
      const result = await resultIfEnded(task);
      view.stop();
      printState(task, result, flags, io);
      return ExitCode.completed;
    },
  );
}

/** How long the process that keeps a server has to cancel its task. */
const CANCEL_LIMIT_MS = 10_000;

/** Only the process that keeps the server can ask it. */
async function tellHeld(held: JournalRecord, { act, flags, io }: Held): Promise<number> {
  const isLook = act === onlyLook;
  if (!isLook) await requestCancel(held, io);
  const record = isLook ? held : await onceReleased(held, CANCEL_LIMIT_MS, io).catch(() => held);
  const { outcome, status, tool, id } = record;
  if (outcome !== undefined) printState(endedTask(record, outcome), resultOfOutcome(outcome), flags, io);
  else printState(heldTask(record, status === 'unknown' ? 'working' : status), undefined, flags, io);
  if (isLook || outcome !== undefined) return ExitCode.completed;
  io.stderr.write(
    `\`${tool}\` has not ended within ${formatDuration(CANCEL_LIMIT_MS)}: the server may have no way to cancel it. \`mcp-await wait ${shownId(id)}\` waits for it; \`mcp-await forget --force ${shownId(id)}\` gives it up.\n`,
  );
  return ExitCode.gaveUp;
}

interface Held {
  readonly act: Act;
  readonly flags: StatusFlags;
  readonly io: CommandIo;
}

function printState(
  task: ReportedTask,
  result: CallToolResult | undefined,
  { json }: StatusFlags,
  io: CommandIo,
): void {
  if (json === true) printJson(io, jsonReport(task, result === undefined ? {} : endOf(result)));
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
