import { z } from 'zod';
import { isEnded } from '../../engine/task-record.js';
import type { Operation } from '../operation.js';
import type { TaskService } from '../task-service.js';
import { callOptionFields, toCallOptions } from './call-options.js';
import { jsonSchema, type ServerTool, serverTool } from './server-tool.js';
import { taskAnswerSchema, taskReference, waitSecondsSchema } from './task-answer.js';

const output = z.object({
  task_ref: z.string().describe('Names the task in resolve_task_status and cancel_background_task'),
  status: z
    .enum(['queued', 'processing', 'completed', 'failed', 'cancelled'])
    .describe('`queued` for a new task; where the idempotency_key was known, the state of its task'),
  poll_after_ms: z.number().describe('Milliseconds to wait before asking for the state'),
  expires_at: z.string().describe('ISO 8601; the task is kept until then at least'),
  result: taskAnswerSchema.shape.result.optional(),
  error: taskAnswerSchema.shape.error.optional(),
});

/** Validates, stores, queues and returns a reference at once; no work of the operation runs here. */
export function initiateBackgroundTask(
  tasks: TaskService,
  operations: ReadonlyMap<string, Operation>,
): ServerTool {
  const input = z.strictObject({
    operation_type: z
      .string()
      .meta({ enum: [...operations.keys()] })
      .describe('Which operation to run'),
    parameters: z.record(z.string(), z.unknown()).default({}).describe("The operation's parameters"),
    ...callOptionFields(tasks),
    wait_seconds: waitSecondsSchema.describe(
      'Answer with the result if the task ends within this many seconds, else with the reference as usual',
    ),
  });
  return serverTool({
    name: 'initiate_background_task',
    title: 'Start a background task',
    description: describe([...operations.values()]),
    input,
    // Without webhooks it is not offered, and who sends it is told why it is refused.
    listedInput: tasks.takesWebhooks ? input : input.omit({ webhook_url: true }),
    output,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    async run(request, { principal, signal, reportProgress, onTask }): Promise<z.input<typeof output>> {
      const accepted = await tasks.initiate(principal, {
        operationType: request.operation_type,
        parameters: request.parameters,
        ...toCallOptions(request),
      });
      onTask?.(accepted);
      const wait = { waitMs: request.wait_seconds * 1000, signal, onProgress: reportProgress };
      // Whatever becomes of the wait, the task is accepted, and the caller must learn its reference.
      const record =
        wait.waitMs === 0
          ? accepted
          : await tasks.resolve(principal, accepted.taskRef, wait).catch(() => accepted);
      return {
        ...taskReference(record),
        ...(isEnded(record) && { result: record.result ?? null, error: record.error ?? null }),
      };
    },
  });
}

function describe(operations: readonly Operation[]): string {
  const entries = operations.map(
    ({ name, description, input }) =>
      `- ${name}: ${description} Parameters: ${JSON.stringify(jsonSchema(input, 'input'))}`,
  );
  return [
    'Starts one of its operations in the background and returns a task_ref at once; resolve_task_status then tells its state and result.\nOperations:',
    ...entries,
  ].join('\n');
}
