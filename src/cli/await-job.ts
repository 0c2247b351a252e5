import type { TaskHandle } from '../client/task-handle.js';
import { AwaitDetachedError, InputRequiredError, TaskNotFoundError } from '../errors.js';
import { ageOf, printFailure } from './end-line.js';
import { errorFacts, exitCodeOfError } from './error-report.js';
import { ExitCode, exitCodeOfStatus } from './exit-code.js';
import type { WaitFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { shownId } from './jobs.js';
import { keepServer } from './keep-server.js';
import { printed } from './output.js';
import { formatReference } from './reference-text.js';
import { jsonReport, printJson, printLines, printResult } from './report.js';
import { quote } from './shell-quote.js';
import type { ClientSession } from './with-client.js';

const GOES_ON = 'The task goes on.';
const KEPT =
  'The task goes on: its server is kept running until it has ended, and the journal then has its result.';
const ENDS =
  'The server ends with this command: the task goes on only if the server keeps it outside its own process.';

/** A wait for a job in the session of a command. */
export interface JobWait extends ClientSession {
  readonly flags: WaitFlags;
  readonly io: CommandIo;
  /** Whether the server has not said yet that it knows the job. */
  readonly isResumed?: boolean;
}

/** Waits for a job to its end, prints what came of it, and returns the exit code. Ctrl-C never loses a job. */
export async function awaitJob(task: TaskHandle, options: JobWait): Promise<number> {
  const { io, view, interrupts, flags } = options;
  using _listening = interrupts.onFirst(() => {
    if (flags.onInterrupt === 'cancel') task.cancel().catch(() => task.detach());
    else task.detach();
  });
  if (options.isResumed !== true || task.snapshot.attempt > 0) view.update(task.snapshot);
  try {
    const result = await task.result();
    view.stop();
    if (await printResult(task, result, { io, flags, elapsedMs: ageOf(task) })) task.acknowledge();
    else printHowToGoOn(task, options, 'The result could not be printed.');
    return interrupts.first.aborted ? ExitCode.interrupted : exitCodeOfStatus(task.snapshot.status);
  } catch (error) {
    view.stop();
    const asked = error instanceof InputRequiredError && { questions: error.questions };
    if (flags.json === true) printJson(io, jsonReport(task, { error: errorFacts(error), ...asked }));
    // After Ctrl-C the reference says enough; without one, somebody has to be told what became of the call.
    if (!interrupts.first.aborted || task.reference === undefined)
      printFailure(errorFacts(error).message, io);
    // Also when quiet: a job whose reference nobody was told is lost.
    if (!(error instanceof TaskNotFoundError)) await leave(task, options, fateAfter(error), asked === false);
    return interrupts.first.aborted ? ExitCode.interrupted : exitCodeOfError(error);
  }
}

/**
 * Whether a job goes on without us. A call that may be synchronous has no reference before its answer, and would be lost
 * with this command: its answer is waited for.
 */
export async function goesOn(task: TaskHandle, { io, flags, interrupts }: JobWait): Promise<boolean> {
  if (task.snapshot.status === 'working' && task.reference === undefined) {
    if (flags.quiet !== true)
      io.stderr.write(
        `\`${task.tool}\` has given no reference yet, and its work may end with the call: --detach waits for its answer.\n`,
      );
    using _listening = interrupts.onFirst(() => task.detach());
    try {
      for await (const { status } of task.updates())
        if (task.reference !== undefined || status !== 'working') break;
    } catch {
      // The wait for the result tells of it.
    }
  }
  return task.snapshot.status === 'working' && task.reference !== undefined;
}

/** Leaves a job running and prints how to come back to it. */
export async function leaveJob(task: TaskHandle, options: JobWait): Promise<number> {
  const { io, flags } = options;
  task.detach();
  if (flags.json === true) printJson(io, jsonReport(task, {}));
  else if (task.reference !== undefined) printLines(io, [formatReference(task.reference)]);
  const isTold = await printed(io);
  await leave(task, options, flags.quiet === true && isTold ? undefined : GOES_ON);
  return ExitCode.completed;
}

/** Sees to it that a server of our own does not end before its task, and tells what becomes of the two. */
async function leave(
  task: TaskHandle,
  options: JobWait,
  fate: string | undefined,
  mayEnd = true,
): Promise<void> {
  switch (await keepServer(task, { ...options, mayEnd })) {
    case 'stays':
      if (fate !== undefined) printHowToGoOn(task, options, fate);
      return;
    case 'kept':
      if (fate !== undefined)
        options.io.stderr.write(
          `${KEPT}\n  Wait for it:   mcp-await wait ${shortId(task)}\n  Or cancel it:  mcp-await cancel ${shortId(task)}\n`,
        );
      return;
    case 'ends':
      printHowToGoOn(task, options, ENDS);
  }
}

function shortId({ journalId = '' }: TaskHandle): string {
  return shownId(journalId);
}

function fateAfter(error: unknown): string {
  return error instanceof AwaitDetachedError ? GOES_ON : 'The task may still be running.';
}

function printHowToGoOn(task: TaskHandle, { io, server }: JobWait, fate: string): void {
  if (task.reference === undefined) return;
  // The id of the journal stands for the server too.
  const words =
    task.journalId === undefined || server.unknownWords === undefined
      ? `${quote(formatReference(task.reference))}${server.words}`
      : `${shortId(task)}${server.unknownWords}`;
  io.stderr.write(
    `${fate}\n  Wait for it:   mcp-await wait ${words}\n  Or cancel it:  mcp-await cancel ${words}\n`,
  );
}
