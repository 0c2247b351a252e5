import { hasChanged } from '../../engine/record-change.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import type { TaskService } from '../task-service.js';
import { ToolFailure } from '../tool-failure.js';
import type { CallContext } from './server-tool.js';
import { MAX_WAIT_SECONDS } from './task-answer.js';

/** What is left to do after an answer is often little. */
const AFTER_ANSWER_MS = 1000;

interface QuestionContext extends Pick<CallContext, 'principal' | 'signal' | 'askClient' | 'reportProgress'> {
  /** When the call began, on the clock of `performance`. */
  readonly startedAt: number;
  /** For how long it is held, in milliseconds. */
  readonly waitMs: number;
}

/**
 * The task once the client's person was asked what it asks and has answered, at the latest when a call should not be held
 * any longer. An answer that comes later counts all the same.
 */
export async function afterQuestions(
  record: TaskRecord,
  tasks: TaskService,
  { principal, signal, askClient, reportProgress: onProgress, startedAt, waitMs }: QuestionContext,
): Promise<TaskRecord> {
  const deadline = startedAt + Math.max(waitMs, MAX_WAIT_SECONDS * 1000);
  let known = record;
  while (askClient !== undefined && known.inputRequests !== undefined) {
    askClient(known);
    const timeoutMs = deadline - performance.now();
    if (timeoutMs <= 0) break;
    const before = known;
    known = await tasks.waitForChange(principal, known.taskRef, { known, timeoutMs, signal });
    // It could not be held any longer.
    if (!hasChanged(before, known)) break;
    if (known.inputRequests !== undefined || isEnded(known)) continue;
    const now = performance.now();
    const leftMs = Math.max(0, Math.min(Math.max(startedAt + waitMs, now + AFTER_ANSWER_MS), deadline) - now);
    known = await tasks.resolve(principal, known.taskRef, { waitMs: leftMs, signal, onProgress });
  }
  return known;
}

/** An answer that does not fit leaves its question open, which is asked again then. @throws every other failure */
export function unlessAskedAgain(error: unknown): undefined {
  if (error instanceof ToolFailure && error.code === 'INVALID_ANSWER') return undefined;
  throw error;
}
