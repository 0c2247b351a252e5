import { z } from 'zod';
import type { Operation } from '../operation.js';
import { pollAfterMs } from '../poll-hint.js';
import type { TaskService } from '../task-service.js';
import { jsonSchema, type ServerTool, serverTool } from './server-tool.js';

const output = z.object({
  task_ref: z.string().describe('Names the task in resolve_task_status and cancel_background_task'),
  status: z
    .enum(['queued', 'processing', 'completed', 'failed', 'cancelled'])
    .describe('`queued` for a new task; where the idempotency_key was known, the state of its task'),
  poll_after_ms: z.number().describe('Milliseconds to wait before asking for the state'),
  expires_at: z.string().describe('ISO 8601; the task is kept until then at least'),
});

/** Validates, stores, queues and returns a reference at once; no work of the operation runs here. */
export function initiateBackgroundTask(
  tasks: TaskService,
  operations: ReadonlyMap<string, Operation>,
): ServerTool {
  const [shortestTtl, longestTtl] = tasks.ttlBounds;
  const input = z.strictObject({
    operation_type: z
      .string()
      .meta({ enum: [...operations.keys()] })
      .describe('Which operation to run'),
    parameters: z.record(z.string(), z.unknown()).default({}).describe("The operation's parameters"),
    idempotency_key: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('The same key returns the same task instead of starting a second one'),
    max_wait_seconds: z
      .number()
      .positive()
      .optional()
      .describe(
        "Fail the task after this run time in seconds, where that is less than the operation's own limit",
      ),
    ttl_seconds: z
      .number()
      .optional()
      .meta({ minimum: shortestTtl, maximum: longestTtl })
      .describe("Keep the task and its result for so many seconds instead of the server's default"),
    webhook_url: z
      .string()
      .optional()
      .describe(
        'Where a signed message is to be posted once the task has ended, whether anybody waits or not',
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
    async run(request, { principal }): Promise<z.input<typeof output>> {
      const record = await tasks.initiate(principal, {
        operationType: request.operation_type,
        parameters: request.parameters,
        idempotencyKey: request.idempotency_key,
        maxWaitSeconds: request.max_wait_seconds,
        ttlSeconds: request.ttl_seconds,
        webhookUrl: request.webhook_url,
      });
      return {
        task_ref: record.taskRef,
        status: record.status === 'pending' ? 'queued' : record.status,
        poll_after_ms: pollAfterMs(0),
        expires_at: new Date(record.expiresAt).toISOString(),
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
    'Starts long work in the background and returns a task_ref at once; resolve_task_status then tells its state and result.',
    'Operations:',
    ...entries,
  ].join('\n');
}
