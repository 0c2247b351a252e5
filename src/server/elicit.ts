import { ElicitRequestFormParamsSchema } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { ExecutionContext } from '../engine/engine.js';
import type { InputRequest, InputResponse, RequestedSchema } from '../engine/question.js';
import { describeIssues } from './describe-issues.js';
import { checkerOf, MAX_QUESTION_BYTES, MAX_QUESTIONS } from './input-answers.js';
import { type ElicitAnswer, isSchema, OperationError } from './operation.js';
import { jsonSchema } from './tools/server-tool.js';

export interface ElicitOptions {
  readonly operation: string;
  readonly ask: ExecutionContext['ask'];
}

/** `ctx.elicit` of one attempt: its questions are counted from the first one on. */
export function createElicit({ operation, ask }: ElicitOptions) {
  let place = 0;
  async function elicit(
    schema: z.ZodObject | RequestedSchema,
    message: string,
  ): Promise<ElicitAnswer<never>> {
    if (place >= MAX_QUESTIONS) throw tooManyQuestions(operation);
    const zodSchema = isSchema(schema) ? (schema as z.ZodObject) : undefined;
    const { $schema: _dialect, ...requestedSchema } = (
      zodSchema ? jsonSchema(zodSchema, 'input') : schema
    ) as RequestedSchema;
    const request = checkRequest(operation, { message, requestedSchema });
    const response = await ask({ place: place++, request });
    if (response === undefined) throw notAnswered(operation, message);
    return toAnswer(operation, response, zodSchema) as Promise<ElicitAnswer<never>>;
  }
  return (schema: z.ZodObject | RequestedSchema, message: string): Promise<ElicitAnswer<never>> => {
    const answer = elicit(schema, message);
    // An operation that ends without it must not end the process.
    answer.catch(() => {});
    return answer;
  };
}

/** @throws TypeError for what no MCP client could ask */
function checkRequest(operation: string, params: InputRequest['params']): InputRequest {
  const parsed = ElicitRequestFormParamsSchema.safeParse(params);
  if (!parsed.success) {
    throw new TypeError(
      `Operation ${operation} asks with a schema or message that MCP has no form for: ${describeIssues(parsed.error)}. Expected a sentence and an object whose properties are strings, numbers, booleans or choices.`,
    );
  }
  try {
    checkerOf(params.requestedSchema);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Operation ${operation} asks with a schema that cannot be used: ${reason}`, {
      cause,
    });
  }
  // As it will be read from the store.
  const json = JSON.stringify({ method: 'elicitation/create', params });
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_QUESTION_BYTES) return JSON.parse(json);
  throw new TypeError(
    `Operation ${operation} asks a question of ${bytes} bytes as JSON, more than the ${MAX_QUESTION_BYTES} that are kept.`,
  );
}

/** What the server that took the answer has checked is checked once more by zod, which may know more and transform it. */
async function toAnswer(
  operation: string,
  { action, content = {} }: InputResponse,
  schema: z.ZodObject | undefined,
): Promise<ElicitAnswer<unknown>> {
  if (action !== 'accept') return { action };
  if (schema === undefined) return { action, content };
  const parsed = await schema.safeParseAsync(content);
  if (parsed.success) return { action, content: parsed.data };
  throw new OperationError(
    'INVALID_ANSWER',
    `The answer that operation ${operation} got does not fit: ${describeIssues(parsed.error)}`,
  );
}

function notAnswered(operation: string, message: string): OperationError {
  return new OperationError(
    'INPUT_TIMEOUT',
    `Nobody answered in time what operation ${operation} asked: ${JSON.stringify(message.slice(0, 200))}`,
  );
}

function tooManyQuestions(operation: string): OperationError {
  return new OperationError(
    'TOO_MANY_QUESTIONS',
    `Operation ${operation} asks more than ${MAX_QUESTIONS} questions`,
  );
}
