import { z } from 'zod';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import type { HeldCall } from '../fair-share.js';
import { SeenTasks } from '../poll-hint.js';
import type { EndWait, TaskService } from '../task-service.js';
import { ToolFailure } from '../tool-failure.js';
import { afterQuestions, unlessAskedAgain } from './after-questions.js';
import { failureSchema, type ServerTool, serverTool, takesQuestions } from './server-tool.js';
import { taskAnswer, taskAnswerSchema, taskRefSchema, waitSecondsSchema } from './task-answer.js';

const MAX_TASKS = 100;

const input = z.strictObject({
  task_ref: taskRefSchema.optional(),
  task_refs: z
    .array(taskRefSchema)
    .min(1)
    .max(MAX_TASKS)
    .optional()
    .describe(`Instead of task_ref: up to ${MAX_TASKS} tasks, which are answered as \`tasks\``),
  wait_seconds: waitSecondsSchema.describe(
    'Answer as soon as the task (of many: one of them) ends, at the latest after this many seconds',
  ),
});

const output = z.union([
  taskAnswerSchema,
  z.object({
    tasks: z
      .array(z.union([taskAnswerSchema, z.object({ task_ref: z.string(), error: failureSchema })]))
      .describe('One entry for each task_ref; one that is not known has an `error` and no `status`'),
    omitted: z
      .array(z.string())
      .optional()
      .describe('Every task_ref for whose result this answer had no room: ask for it alone'),
  }),
]);

/** Tells the state of a task, or of many; with `wait_seconds` a long poll. */
export function resolveTaskStatus(tasks: TaskService): ServerTool {
  const seen = new SeenTasks();
  return serverTool({
    name: 'resolve_task_status',
    title: 'State of a background task',
    description:
      'Tells the state of a background task, and its result once it is completed. Ask again after poll_after_ms, or let wait_seconds hold the answer back until the task ends.',
    input,
    output,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run({ task_ref, task_refs, wait_seconds }, context) {
      const { principal, signal, reportProgress, onTask } = context;
      const startedAt = performance.now();
      const waitMs = wait_seconds * 1000;
      const resolve = async (ref: string, wait: EndWait) => {
        const record = await tasks.resolve(principal, ref, wait);
        onTask?.(record);
        return record;
      };
      /** Whoever cannot ask is told a question once, and held the next time. */
      const asksNew = (record: TaskRecord) => {
        const isNew = record.inputRequests !== undefined && seen.isNew(record);
        seen.note(record);
        return isNew;
      };
      if (task_refs !== undefined && task_ref === undefined) {
        const hold = () => tasks.hold(principal);
        return resolveMany(task_refs, { waitMs, signal, asksNew, resolve, hold });
      }
      if (task_ref === undefined || task_refs !== undefined)
        throw new ToolFailure('INVALID_ARGUMENTS', 'Give either `task_ref` or `task_refs`, and not both.');
      const { rounds, askClient } = context;
      if (rounds?.responses !== undefined) {
        await tasks.answer(principal, task_ref, rounds.responses).catch(unlessAskedAgain);
      }
      const wait = { waitMs, signal, onProgress: reportProgress };
      // What is open already is asked at once.
      const isAsking = takesQuestions(rounds) || askClient !== undefined;
      const found = await resolve(task_ref, { ...wait, waitMs: 0 });
      const isTold = asksNew(found) || (isAsking && found.inputRequests !== undefined);
      const record = isTold ? found : await resolve(task_ref, wait);
      seen.note(record);
      const { inputRequests } = record;
      if (inputRequests !== undefined && takesQuestions(rounds)) {
        return { resultType: 'input_required', inputRequests };
      }
      return taskAnswer(await afterQuestions(record, tasks, { ...context, startedAt, waitMs }), Date.now());
    },
  });
}

type Refusal = { task_ref: string; error: { code: string; message: string; retryable: boolean } };
type Entry = z.input<typeof taskAnswerSchema> | Refusal;

interface ResolveManyOptions {
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
async function resolveMany(
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
