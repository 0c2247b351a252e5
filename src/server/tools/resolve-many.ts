import type { z } from 'zod';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import type { HeldCall } from '../held-calls.js';
import type { EndWait } from '../task-service.js';
import { ToolFailure } from '../tool-failure.js';
import { taskAnswer, type taskAnswerSchema } from './task-answer.js';

type Refusal = { task_ref: string; error: { code: string; message: string; retryable: boolean } };
type Entry = z.input<typeof taskAnswerSchema> | Refusal;

export interface ResolveManyOptions {
  /** How long to wait for the first of them to end, in milliseconds. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Undefined where the caller has its share of calls that are held. */
  readonly hold: () => HeldCall | undefined;
  /** Whether it asks what no caller has been told. */
  readonly asksNew: (record: TaskRecord) => boolean;
  /** @throws ToolFailure for a task that the caller does not have */
  readonly resolve: (taskRef: string, wait: EndWait) => Promise<TaskRecord>;
}

/** Characters of JSON in one answer: results may be long, and a hundred of them are asked for at once. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** The state of many tasks in one answer; one that cannot be told does not spoil the others. */
export async function resolveMany(
  taskRefs: readonly string[],
  options: ResolveManyOptions,
): Promise<{ tasks: Entry[]; omitted?: string[] }> {
  const refs = [...new Set(taskRefs)];
  const { waitMs, signal, asksNew } = options;
  const isTold = (found: TaskRecord | ToolFailure) =>
    found instanceof ToolFailure || isEnded(found) || asksNew(found);
  const first = await Promise.all(refs.map(ref => lookUp(ref, options)));
  if (waitMs === 0 || first.some(isTold)) return answerAbout(refs, first);
  const call = options.hold();
  // Its share of calls is held already: the answer says how they stand, and when to ask again.
  if (call === undefined) return answerAbout(refs, first);
  await untilOneEnds(refs, { ...options, signal: AbortSignal.any([signal, call.signal]) }).finally(
    call.release,
  );
  signal.throwIfAborted();
  return answerAbout(refs, await Promise.all(refs.map(ref => lookUp(ref, options))));
}

function lookUp(taskRef: string, { signal, resolve }: ResolveManyOptions): Promise<TaskRecord | ToolFailure> {
  return resolve(taskRef, { waitMs: 0, signal }).catch(error => {
    if (error instanceof ToolFailure) return error;
    throw error;
  });
}

async function untilOneEnds(
  taskRefs: readonly string[],
  { waitMs, signal, resolve }: ResolveManyOptions,
): Promise<void> {
  const found = new AbortController();
  const either = AbortSignal.any([signal, found.signal]);
  const waits = taskRefs.map(ref => resolve(ref, { waitMs, signal: either, isHeld: true }));
  await Promise.race(waits).catch(() => {});
  found.abort();
  await Promise.allSettled(waits);
}

function answerAbout(refs: readonly string[], found: readonly (TaskRecord | ToolFailure)[]) {
  const now = Date.now();
  const tasks: Entry[] = [];
  const omitted: string[] = [];
  let characters = 0;
  for (const [index, taskRef] of refs.entries()) {
    const record = found[index];
    if (record === undefined) continue;
    const entry =
      record instanceof ToolFailure
        ? { task_ref: taskRef, error: record.toTaskError() }
        : taskAnswer(record, now);
    characters += JSON.stringify(entry).length;
    if (characters > MAX_CHARACTERS && tasks.length > 0) omitted.push(taskRef);
    else tasks.push(entry);
  }
  return { tasks, ...(omitted.length > 0 && { omitted }) };
}
