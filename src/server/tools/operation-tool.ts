import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { digestJson } from '../../storage/canonical-json.js';
import { holdMsOf, isUnwanted } from '../host-timeouts.js';
import type { Operation } from '../operation.js';
import type { TaskService } from '../task-service.js';
import { ToolFailure } from '../tool-failure.js';
import { afterQuestions, unlessAskedAgain } from './after-questions.js';
import { callMetaReader } from './call-options.js';
import { PAIR_META, PAIR_NAME, stableCallId, TASK_META } from './meta-keys.js';
import {
  type CallContext,
  InvalidStateError,
  jsonSchema,
  type Rounds,
  refusalSchema,
  type ServerTool,
  type StartContext,
  takesQuestions,
  toolRefusalOf,
} from './server-tool.js';
import { questionFields, taskAnswerSchema, taskReference } from './task-answer.js';
import { resultOfTask } from './task-result.js';

const referenceSchema = z.object({
  task_ref: z.string(),
  status: z.enum(['queued', 'processing']),
  poll_after_ms: z.number(),
  expires_at: z.string(),
  input_requests: taskAnswerSchema.shape.input_requests,
  how_to_answer: taskAnswerSchema.shape.how_to_answer,
});

const endedSchema = z.object({
  status: z.enum(['failed', 'cancelled']),
  error: taskAnswerSchema.shape.error,
});

export interface OperationToolOptions {
  readonly operation: Operation;
  readonly tasks: TaskService;
  /** How long a call is held that does not say so itself, in milliseconds; longer for hosts that take no tasks, unless it is 0. */
  readonly inlineWindowMs: number;
  /** How long such a call is held instead, whichever host calls, in milliseconds. @default as the host is known to wait */
  readonly hostTimeoutMs?: number | undefined;
}

/** An operation as a tool of its own: its arguments are the operation's parameters. */
export function operationTool(options: OperationToolOptions): ServerTool {
  const { operation, tasks, inlineWindowMs, hostTimeoutMs } = options;
  const readMeta = callMetaReader(tasks);
  /** A host that takes no tasks is better served by a result than by a reference, for which its model has to poll. */
  const windowOf = ({ clientName }: CallContext) =>
    inlineWindowMs === 0 ? 0 : (hostTimeoutMs ?? Math.max(inlineWindowMs, holdMsOf(clientName) ?? 0));
  async function start(
    argumentsGiven: unknown,
    { principal, meta, ttlSeconds }: StartContext,
  ): Promise<TaskRecord> {
    const { waitSeconds: _, ...options } = readMeta(meta);
    const callId = stableCallId(meta);
    return tasks.initiate(principal, {
      ...options,
      // Other arguments are another call, whatever the host calls it.
      idempotencyKey: options.idempotencyKey ?? (callId && `${callId}:${digestJson(argumentsGiven ?? {})}`),
      ttlSeconds: options.ttlSeconds ?? ttlSeconds,
      operationType: operation.name,
      parameters: argumentsGiven ?? {},
    });
  }
  return {
    definition: definitionOf(operation),
    start,
    async call(argumentsGiven, context) {
      const startedAt = performance.now();
      try {
        const { waitSeconds, idempotencyKey } = readMeta(context.meta);
        const waitMs = waitSeconds === undefined ? windowOf(context) : waitSeconds * 1000;
        const { principal, meta, rounds } = context;
        const accepted =
          rounds?.state === undefined
            ? await start(argumentsGiven, { principal, meta })
            : await answered(rounds, context);
        context.onTask?.(accepted);
        const isKnown = idempotencyKey !== undefined || rounds?.state !== undefined;
        const record = await inlineEnd(accepted, { waitMs, isKnown, context });
        const { taskRef, inputRequests } = record;
        if (inputRequests !== undefined && takesQuestions(rounds)) {
          return {
            resultType: 'input_required',
            inputRequests,
            requestState: stateOf(taskRef, inputRequests),
          };
        }
        return answerTo(await afterQuestions(record, tasks, { ...context, startedAt, waitMs }));
      } catch (error) {
        return toolRefusalOf(error);
      }
    },
  };

  /** The task of an earlier round of the same call: its reference is as hard to guess as any, and its owner's only. */
  async function answered(
    { state = '', responses = {} }: Rounds,
    { principal, signal }: CallContext,
  ): Promise<TaskRecord> {
    const taskRef = state.slice(state.lastIndexOf('.') + 1);
    const record = await tasks.resolve(principal, taskRef, { waitMs: 0, signal }).catch(error => {
      if (error instanceof ToolFailure && error.code === 'TASK_NOT_FOUND') throw new InvalidStateError();
      throw error;
    });
    if (record.operation !== operation.name) throw new InvalidStateError();
    return (await tasks.answer(principal, taskRef, responses).catch(unlessAskedAgain)) ?? record;
  }

  async function inlineEnd(
    accepted: TaskRecord,
    { waitMs, isKnown, context }: InlineWait,
  ): Promise<TaskRecord> {
    const { principal, signal, reportProgress } = context;
    if (waitMs === 0 || accepted.inputRequests !== undefined) return accepted;
    try {
      return await tasks.resolve(principal, accepted.taskRef, { waitMs, signal, onProgress: reportProgress });
    } catch {
      // Nobody else could know of a task without a key, and its caller has given it up.
      if (isUnwanted(signal) && !isKnown) await tasks.cancel(principal, accepted.taskRef);
      // Whatever became of the wait, the task is accepted, and the caller must learn its reference.
      return accepted;
    }
  }
}

/** Another one in each round; what counts is the reference at its end. */
function stateOf(taskRef: string, inputRequests: object): string {
  return `${Object.keys(inputRequests)[0]}.${taskRef}`;
}

interface InlineWait {
  readonly waitMs: number;
  /** Whether the caller can find the task again without its reference. */
  readonly isKnown: boolean;
  readonly context: CallContext;
}

function definitionOf({ name, description, input, output }: Operation): Tool {
  return {
    name,
    description,
    inputSchema: { ...jsonSchema(input, 'input'), type: 'object' },
    ...(output !== undefined && { outputSchema: outputSchemaOf(output) }),
    execution: { taskSupport: 'optional' },
    _meta: { [PAIR_META]: PAIR_NAME },
  };
}

/** The result, or the reference; the SDK's client checks failures against it too. */
function outputSchemaOf(output: z.ZodType): Tool['outputSchema'] {
  const result = jsonSchema(output, 'output');
  const others = [referenceSchema, endedSchema, refusalSchema].map(schema => jsonSchema(schema, 'output'));
  return { type: 'object', anyOf: [result.type === 'object' ? result : wrapped(result), ...others] };
}

/** As `resultOfTask` puts values that are no objects. An object passes too: of `anyOf` one cannot tell which came. */
function wrapped(schema: Record<string, unknown>): Record<string, unknown> {
  return { anyOf: [schema, { type: 'object', properties: { result: schema }, required: ['result'] }] };
}

function answerTo(record: TaskRecord): CallToolResult {
  const task = { ...taskReference(record), ...questionFields(record) };
  const result = isEnded(record) ? resultOfTask(record) : referenceResult(task);
  return { ...result, _meta: { ...result._meta, [TASK_META]: task } };
}

function referenceResult(task: Readonly<Record<string, unknown>>): CallToolResult {
  const state = task.how_to_answer ?? 'The work goes on in the background.';
  const text = `${state} Call resolve_task_status with task_ref ${task.task_ref} for its state and result.`;
  return {
    content: [
      { type: 'text', text: JSON.stringify(task) },
      { type: 'text', text },
    ],
    structuredContent: task,
  };
}
