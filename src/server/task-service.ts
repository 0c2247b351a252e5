import { isDeepStrictEqual } from 'node:util';
import type { Engine, WaitForChangeOptions } from '../engine/engine.js';
import { hasChanged } from '../engine/record-change.js';
import { UNKNOWN_OWNER } from '../engine/record-shape.js';
import { TooManyTasksError } from '../engine/task-errors.js';
import { LIST_LIMIT, type TaskPage } from '../engine/task-list.js';
import { isEnded, type TaskRecord } from '../engine/task-record.js';
import { newTaskRef } from '../engine/task-ref.js';
import { similarName } from '../similar-name.js';
import { digestJson } from '../storage/canonical-json.js';
import type { Progress } from '../types.js';
import { MIN_TTL_SECONDS } from './config/config-schema.js';
import { describeIssues } from './describe-issues.js';
import { type HeldCall, HeldCalls } from './fair-share.js';
import { LOCAL_PRINCIPAL } from './http/principals.js';
import { checkAnswers } from './input-answers.js';
import type { Operation } from './operation.js';
import { howToOffer } from './operations/how-to-offer.js';
import { createLook, type Looker } from './poll-hint.js';
import { type TaskLimitOptions, taskLimits } from './task-limits.js';
import { ToolFailure } from './tool-failure.js';
import type { WebhookGate } from './webhooks/webhook-gate.js';

const PROGRESS_INTERVAL_MS = 1000;

/** A hundred years. */
const MAX_MS = 100 * 365 * 86_400_000;

export interface InitiateRequest {
  readonly operationType: string;
  readonly parameters: unknown;
  readonly idempotencyKey?: string | undefined;
  readonly maxWaitSeconds?: number | undefined;
  /** How long the task is kept, in seconds, where the server's default does not suit. */
  readonly ttlSeconds?: number | undefined;
  readonly webhookUrl?: string | undefined;
}

export interface TaskServiceOptions extends TaskLimitOptions {
  readonly engine: Engine;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly webhooks: WebhookGate;
  /** Told of each new task. */
  readonly onCreated?: ((record: TaskRecord) => void) | undefined;
}

/** How long to wait for the end of a task, and who hears of its progress meanwhile. */
export interface EndWait {
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called at most once a second. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Whether the call counts as held already. */
  readonly isHeld?: boolean | undefined;
  /** Whether to fail with `TOO_MANY_HELD_CALLS` where the call cannot be held, instead of telling how the task stands. */
  readonly insists?: boolean | undefined;
}

/** What a caller may do with tasks, whichever door it comes through. A task of another owner does not exist. */
export interface TaskService {
  /** Whether tasks may have a `webhookUrl`. */
  readonly takesWebhooks: boolean;
  /** The bounds of `ttlSeconds` of a request, in seconds. */
  readonly ttlBounds: readonly [shortest: number, longest: number];
  /**
   * @throws ToolFailure when nothing was queued: `UNKNOWN_OPERATION`, `INVALID_PARAMETERS`, `INVALID_ARGUMENTS` for a
   * time to live out of bounds, `IDEMPOTENCY_CONFLICT`, `WEBHOOK_REFUSED`, `TOO_MANY_TASKS`
   */
  initiate(owner: string, request: InitiateRequest): Promise<TaskRecord>;
  /**
   * Waits as long as is asked for the end, or for a question that is new; not where the caller has its share of held calls.
   * @throws ToolFailure `TASK_NOT_FOUND`
   */
  resolve(owner: string, taskRef: string, wait: EndWait): Promise<TaskRecord>;
  /** Answers a caller who only asks, see `createLook`. @throws ToolFailure `TASK_NOT_FOUND` */
  look: Looker;
  /** Holds a call that waits for several tasks; undefined where the caller has its share of held calls. */
  hold(owner: string): HeldCall | undefined;
  /**
   * Waits until something differs from what the caller knows, see `Engine.waitForChange`; not where the caller has its
   * share of held calls. @throws ToolFailure `TASK_NOT_FOUND`
   */
  waitForChange(owner: string, taskRef: string, wait: WaitForChangeOptions): Promise<TaskRecord>;
  /**
   * Answers open questions of a task, by key, durably: each once, whoever comes first. Answers to other keys are left
   * alone.
   * @throws ToolFailure `TASK_NOT_FOUND`; `INVALID_ANSWER` when one does not fit its question, and then none is taken
   */
  answer(owner: string, taskRef: string, responses: Readonly<Record<string, unknown>>): Promise<TaskRecord>;
  /** A page of the caller's tasks, the newest first. @throws InvalidCursorError */
  list(owner: string, cursor: string | undefined): Promise<TaskPage>;
  /** @throws ToolFailure `TASK_NOT_FOUND` */
  cancel(owner: string, taskRef: string): Promise<TaskRecord>;
}

/** What the protocols with tasks of their own need of tasks that have been started. */
export interface TaskAnswers
  extends Pick<TaskService, 'ttlBounds' | 'resolve' | 'look' | 'answer' | 'cancel'> {
  /** Undefined where callers cannot be told apart, so that one would see the tasks of another. */
  readonly list?: TaskService['list'] | undefined;
}

/** @throws ConfigurationError when a limit is not usable */
export function createTaskService(options: TaskServiceOptions): TaskService {
  const { engine, operations, webhooks, onCreated } = options;
  const limits = taskLimits(options);
  const { maxUnfinishedPerPrincipal: maxUnfinished } = limits;
  const held = new HeldCalls(limits.maxHeldCalls);
  const ttlBounds = [MIN_TTL_SECONDS, limits.maxTtlSeconds] as const;

  async function owned(owner: string, taskRef: string): Promise<TaskRecord> {
    const record = await engine.find(taskRef);
    if (record === undefined) return notFound(taskRef);
    // Of a record that cannot be read, all that is told is that, to whoever has the reference.
    return record.owner === owner || record.owner === UNKNOWN_OWNER ? record : notFound(taskRef);
  }

  /** Waits, if the caller may be held; what it is answered with otherwise is how the task stands. */
  async function whileHeld(
    record: TaskRecord,
    { signal, isHeld, insists }: Pick<EndWait, 'signal' | 'isHeld' | 'insists'>,
    wait: (signal: AbortSignal) => Promise<TaskRecord | undefined>,
  ): Promise<TaskRecord> {
    const { taskRef, owner } = record;
    if (isHeld === true) return (await wait(signal)) ?? notFound(taskRef);
    const call = held.hold(owner);
    try {
      if (call !== undefined)
        return (await wait(AbortSignal.any([signal, call.signal]))) ?? notFound(taskRef);
    } catch (error) {
      if (signal.aborted || !call?.signal.aborted) throw error;
    } finally {
      call?.release();
    }
    return insists === true ? tooManyHeld() : owned(owner, taskRef);
  }

  async function resolve(owner: string, taskRef: string, wait: EndWait): Promise<TaskRecord> {
    const record = await owned(owner, taskRef);
    if (wait.waitMs === 0 || isEnded(record)) return record;
    return whileHeld(record, wait, signal => waitForChanges(engine, record, { ...wait, signal }));
  }

  return {
    takesWebhooks: webhooks.isOpen,
    ttlBounds,
    async initiate(owner, request) {
      const { operationType, parameters, idempotencyKey, maxWaitSeconds } = request;
      const operation =
        operations.get(operationType) ?? unknownOperation(operationType, [...operations.keys()]);
      const ttlSeconds = checkTtl(request.ttlSeconds, ttlBounds) ?? limits.ttlSeconds;
      const slaSeconds = operation.slaSeconds ?? limits.defaultTimeoutSeconds;
      const input = await parseParameters(operation, parameters);
      const webhookUrl = request.webhookUrl === undefined ? undefined : webhooks.accept(request.webhookUrl);
      const submitted = engine.submit({
        maxUnfinished: owner === LOCAL_PRINCIPAL ? undefined : maxUnfinished,
        taskRef: newTaskRef(operationType),
        owner,
        operation: operationType,
        parameters: input,
        idempotencyKey,
        slaMs: toMs(Math.min(slaSeconds, maxWaitSeconds ?? Number.POSITIVE_INFINITY)),
        ttlMs: toMs(ttlSeconds),
        retryAttempts: operation.retryAttempts ?? limits.retryAttempts,
        inputTimeoutMs: toMs(limits.inputTimeoutSeconds),
        webhookUrl,
      });
      const { record, created } = await submitted.catch(tooManyTasks);
      if (created) onCreated?.(record);
      // Other times or another webhook are no conflict: the call is the same, and the first one says how it is run.
      if (!created && record.parametersDigest !== digestJson(input)) keyReused(record, idempotencyKey);
      return record;
    },
    resolve,
    look: createLook(resolve),
    hold: owner => held.hold(owner),
    async waitForChange(owner, taskRef, wait) {
      const record = await owned(owner, taskRef);
      if (hasChanged(wait.known, record)) return record;
      const { signal = new AbortController().signal } = wait;
      return whileHeld(record, { signal }, either =>
        engine.waitForChange(taskRef, { ...wait, signal: either }),
      );
    },
    async answer(owner, taskRef, responses) {
      const record = await owned(owner, taskRef);
      const answers = checkAnswers(record.inputRequests ?? {}, responses);
      if (Object.keys(answers).length === 0) return record;
      return (await engine.answer(taskRef, answers)) ?? notFound(taskRef);
    },
    list: (owner, cursor) => engine.list({ owner, limit: LIST_LIMIT, cursor }),
    async cancel(owner, taskRef) {
      const record = await owned(owner, taskRef);
      if (!isEnded(record)) await webhooks.announce(record);
      return (await engine.cancel(taskRef)) ?? notFound(taskRef);
    },
  };
}

async function waitForChanges(
  engine: Engine,
  record: TaskRecord,
  { waitMs, signal, onProgress }: EndWait,
): Promise<TaskRecord | undefined> {
  const { taskRef } = record;
  const deadline = performance.now() + waitMs;
  let known = record;
  let told = { progress: record.progress, at: Number.NEGATIVE_INFINITY };
  for (;;) {
    const now = performance.now();
    const isUntold = onProgress !== undefined && !isDeepStrictEqual(known.progress, told.progress);
    const tellAt = told.at + PROGRESS_INTERVAL_MS;
    if (isUntold && now >= tellAt) {
      if (known.progress !== undefined) onProgress(known.progress);
      told = { progress: known.progress, at: now };
    }
    const until = isUntold && now < tellAt ? Math.min(tellAt, deadline) : deadline;
    const timeoutMs = Math.max(0, until - now);
    const next = await engine.waitForChange(taskRef, { known, timeoutMs, signal });
    if (next === undefined || isEnded(next) || asksMore(known, next) || performance.now() >= deadline)
      return next;
    known = next;
  }
}

function asksMore({ inputRequests: known = {} }: TaskRecord, { inputRequests = {} }: TaskRecord): boolean {
  return Object.keys(inputRequests).some(key => !Object.hasOwn(known, key));
}

/** Whole milliseconds, as the store keeps times: at least one, at most what a date can hold. */
function toMs(seconds: number): number {
  return Math.min(Math.max(Math.round(seconds * 1000), 1), MAX_MS);
}

function checkTtl(
  ttlSeconds: number | undefined,
  [shortest, longest]: TaskService['ttlBounds'],
): number | undefined {
  if (ttlSeconds === undefined || (ttlSeconds >= shortest && ttlSeconds <= longest)) return ttlSeconds;
  throw new ToolFailure(
    'INVALID_ARGUMENTS',
    `This server keeps a task for ${shortest} to ${longest} seconds, \`ttl_seconds\` asks for ${ttlSeconds}. Leave it out or choose a number from this range.`,
  );
}

async function parseParameters(operation: Operation, parameters: unknown): Promise<unknown> {
  const parsed = await operation.input.safeParseAsync(parameters);
  if (parsed.success) return parsed.data;
  throw new ToolFailure(
    'INVALID_PARAMETERS',
    `The parameters do not fit the operation \`${operation.name}\`: ${describeIssues(parsed.error)}`,
  );
}

function unknownOperation(name: string, known: readonly string[]): never {
  const nearest = similarName(name, known);
  const guess = nearest === undefined ? '' : `Did you mean \`${nearest}\`? `;
  const hint = known.length === 0 ? 'This server has none.' : `${guess}Known: ${known.join(', ')}.`;
  const offer = howToOffer(name);
  throw new ToolFailure(
    'UNKNOWN_OPERATION',
    [`There is no operation \`${name}\`.`, offer, hint].filter(Boolean).join(' '),
  );
}

function keyReused(record: TaskRecord, idempotencyKey: string | undefined): never {
  throw new ToolFailure(
    'IDEMPOTENCY_CONFLICT',
    `The idempotency key \`${idempotencyKey}\` has already started ${record.taskRef} with other parameters. Use a new key for a new call.`,
  );
}

/** @throws ToolFailure instead of what the engine says; any other error as it is */
function tooManyTasks(error: unknown): never {
  if (!(error instanceof TooManyTasksError)) throw error;
  throw new ToolFailure(
    'TOO_MANY_TASKS',
    `You have ${error.maxUnfinished} tasks that have not ended, the most that this server takes from one caller. Wait until some have ended, or cancel some, and send the call again.`,
    true,
  );
}

function tooManyHeld(): never {
  throw new ToolFailure(
    'TOO_MANY_HELD_CALLS',
    'You have as many calls waiting for tasks as this server holds for one caller. Wait for some of them, or ask how the task stands, after its poll interval.',
    true,
  );
}

function notFound(taskRef: string): never {
  throw new ToolFailure(
    'TASK_NOT_FOUND',
    `The task ${taskRef} was not found or has expired. Check the reference; it must come from this server and this caller.`,
  );
}
