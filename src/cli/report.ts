import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { JournalRecord } from '../client/journal/journal-record.js';
import type { TaskHandle } from '../client/task-handle.js';
import type { AskedQuestion } from '../errors.js';
import { excerpt } from '../protocols/excerpt.js';
import { outcomeOfResult } from '../protocols/tool-result.js';
import { jsonParts, textParts } from '../storage/large-json.js';
import type { Outcome, TaskError, TaskReference, TaskStatus } from '../types.js';
import { printEnd } from './end-line.js';
import type { WaitFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { printed } from './output.js';
import { escaped, jsonText, terminalText } from './terminal-text.js';

/** The one object that `--json` prints. */
export interface JsonReport {
  readonly status: TaskStatus;
  readonly tool: string;
  readonly reference: TaskReference | null;
  readonly protocol: string;
  /** Status requests answered. */
  readonly attempts: number;
  readonly elapsedMs: number;
  /** What is odd about the wait. */
  readonly notices?: readonly string[];
  readonly result?: CallToolResult;
  readonly error?: TaskError;
  /** What the task asks, where it waits for an answer. */
  readonly questions?: readonly AskedQuestion[];
}

/** What a report tells of a job; a `TaskHandle` is one. */
export type ReportedTask = Pick<TaskHandle, 'tool' | 'reference' | 'protocol' | 'snapshot'>;

/** A job that another process waits for, as the journal knows it. */
export function heldTask(
  { tool, protocol, reference, message }: JournalRecord,
  status: TaskStatus,
): ReportedTask {
  const told = message === undefined ? {} : { message };
  return {
    tool,
    protocol,
    reference,
    snapshot: { status, ...told, attempt: 0, elapsedMs: 0, raw: undefined },
  };
}

/** A job of the journal that has ended. */
export function endedTask(record: JournalRecord, outcome: Outcome): ReportedTask {
  const message = outcome.status === 'completed' ? undefined : outcome.error.message;
  return heldTask({ ...record, message }, outcome.status);
}

export function jsonReport(
  task: ReportedTask,
  end: Pick<JsonReport, 'result' | 'error' | 'questions'>,
): JsonReport {
  const { status, attempt, elapsedMs, notices } = task.snapshot;
  return {
    status,
    tool: task.tool,
    reference: task.reference ?? null,
    protocol: task.protocol,
    attempts: attempt,
    elapsedMs: Math.round(elapsedMs),
    ...(notices && { notices }),
    ...end,
  };
}

/** What a report says of an end. */
export function endOf(result: CallToolResult): Pick<JsonReport, 'result' | 'error'> {
  const outcome = outcomeOfResult(result);
  return outcome.status === 'failed' ? { result, error: outcome.error } : { result };
}

/** A result as text for a person or a pipe: text blocks as they are, every other block as one line of JSON. */
export function renderResult(result: CallToolResult): string {
  const blocks = result.content.map(block => (block.type === 'text' ? block.text : JSON.stringify(block)));
  if (blocks.length === 0 && result.structuredContent !== undefined)
    return JSON.stringify(result.structuredContent);
  return blocks.join('\n');
}

export function printJson(io: CommandIo, value: unknown): void {
  io.stdout.write(`${jsonText(value)}\n`);
}

/** Prints a text of any size, each part when the one before is gone: there is no second copy of the whole. */
async function printParts({ stdout }: CommandIo, parts: Iterable<string>): Promise<void> {
  for (const part of parts) {
    const isTaken = await new Promise<boolean>(settle => {
      stdout.write(part, error => settle(!error));
    });
    if (!isTaken) return;
  }
  stdout.write('\n');
}

function* escapedJson(value: unknown): Generator<string> {
  for (const part of jsonParts(value)) yield escaped(part);
}

/** Lines for a person; what a server says in them commands no terminal. */
export function printLines(io: CommandIo, lines: readonly string[]): void {
  io.stdout.write(lines.map(line => `${terminalText(line)}\n`).join(''));
}

/** Where a value has an integer that JavaScript has rounded as it read the server's answer; undefined where it has none. */
export function roundedInteger(value: unknown, path = ''): string | undefined {
  if (typeof value === 'number') {
    return Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER ? path : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = roundedInteger(item, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How a result is printed. */
export interface ResultOutput {
  readonly io: CommandIo;
  readonly flags: Pick<WaitFlags, 'json' | 'quiet'>;
  /** How long the task took, in milliseconds. */
  readonly elapsedMs: number;
}

/**
 * Tells how a task ended, and prints its final result on stdout: the data of a completed task, or with `--json` all that is
 * known.
 * @returns whether all was taken
 */
export async function printResult(
  task: ReportedTask,
  result: CallToolResult,
  { io, flags, elapsedMs }: ResultOutput,
): Promise<boolean> {
  const json = flags.json === true;
  const isCompleted = outcomeOfResult(result).status === 'completed';
  // In the server's own words.
  const reason = json || isCompleted ? {} : { reason: renderResult(result) };
  const { tool, snapshot } = task;
  printEnd({ tool, status: snapshot.status, elapsedMs, ...reason }, io, flags.quiet === true);
  const rounded = roundedInteger(result.structuredContent);
  if (rounded !== undefined)
    io.stderr.write(
      `The number at \`${excerpt(rounded)}\` of the structured result may be rounded: integers are exact up to ${Number.MAX_SAFE_INTEGER}. The text of a result stays as the server wrote it.\n`,
    );
  if (json) await printParts(io, escapedJson(jsonReport(task, endOf(result))));
  else if (isCompleted) {
    // A file or a pipe gets the result as it is.
    const text = renderResult(result);
    const shown = io.stdout.isTTY === true ? terminalText(text) : text;
    await printParts(io, textParts(shown));
  }
  return printed(io);
}
