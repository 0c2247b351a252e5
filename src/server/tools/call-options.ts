import { z } from 'zod';
import { describeIssues } from '../describe-issues.js';
import type { InitiateRequest, TaskService } from '../task-service.js';
import { ToolFailure } from '../tool-failure.js';
import { CALL_META } from './meta-keys.js';
import { MAX_WAIT_SECONDS } from './task-answer.js';

/** What a call may ask for besides the work itself. */
export function callOptionFields({ ttlBounds: [shortestTtl, longestTtl] }: Pick<TaskService, 'ttlBounds'>) {
  return {
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
  };
}

export type TaskCallOptions = Omit<InitiateRequest, 'operationType' | 'parameters'>;

type CallOptionFields = z.output<z.ZodObject<ReturnType<typeof callOptionFields>>>;

export function toCallOptions(fields: CallOptionFields): TaskCallOptions {
  return {
    idempotencyKey: fields.idempotency_key,
    maxWaitSeconds: fields.max_wait_seconds,
    ttlSeconds: fields.ttl_seconds,
    webhookUrl: fields.webhook_url,
  };
}

/** Reads what the `_meta` of a call asks for. @returns a function that throws ToolFailure `INVALID_ARGUMENTS` */
export function callMetaReader(tasks: Pick<TaskService, 'ttlBounds'>) {
  const schema = z.strictObject({
    ...callOptionFields(tasks),
    wait_seconds: z.number().min(0).max(MAX_WAIT_SECONDS).optional(),
  });
  return (meta: Readonly<Record<string, unknown>> | undefined) => {
    const parsed = schema.safeParse(meta?.[CALL_META] ?? {});
    if (parsed.success)
      return { ...toCallOptions(parsed.data), waitSeconds: parsed.data.wait_seconds } as const;
    throw new ToolFailure(
      'INVALID_ARGUMENTS',
      `The \`_meta["${CALL_META}"]\` of the call is not usable: ${describeIssues(parsed.error)}`,
    );
  };
}
