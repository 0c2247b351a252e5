import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import type { JsonSchemaType } from '@modelcontextprotocol/sdk/validation/types.js';
import { z } from 'zod';
import type { InputRequest, InputResponse, Responses } from '../engine/question.js';
import { describeIssues } from './describe-issues.js';
import { ToolFailure } from './tool-failure.js';

/** Of one task; so much that all of them, with their answers, are less than a result may be. */
export const MAX_QUESTIONS = 32;
/** As JSON. */
export const MAX_QUESTION_BYTES = 16 * 1024;
/** As JSON. */
export const MAX_ANSWER_BYTES = 16 * 1024;

/**
 * What tells why some content does not fit the schema; undefined when it does.
 * @throws Error when the schema is none
 */
export function checkerOf(schema: object): (content: unknown) => string | undefined {
  // One for each: it keeps every schema that it has compiled.
  const check = new AjvJsonSchemaValidator().getValidator(schema as JsonSchemaType);
  return content => check(content).errorMessage;
}

/** An elicitation's result (MCP specification 2025-11-25, client/elicitation). */
const responseSchema = z.object({
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
    .nullish(),
});

/**
 * Those of the responses that answer an open question, ready to be stored.
 * @throws ToolFailure `INVALID_ANSWER` when one of them is none, or does not fit what was asked
 */
export function checkAnswers(
  requests: Readonly<Record<string, InputRequest>>,
  responses: Readonly<Record<string, unknown>>,
): Responses {
  const answers: Record<string, InputResponse> = {};
  for (const [key, request] of Object.entries(requests)) {
    if (Object.hasOwn(responses, key)) answers[key] = checkAnswer(key, request, responses[key]);
  }
  return answers;
}

function checkAnswer(key: string, { params }: InputRequest, response: unknown): InputResponse {
  const bytes = Buffer.byteLength(JSON.stringify(response) ?? '');
  if (bytes > MAX_ANSWER_BYTES)
    refuse(key, `it has ${bytes} bytes as JSON, at most ${MAX_ANSWER_BYTES} are kept`);
  const parsed = responseSchema.safeParse(response);
  if (!parsed.success) return refuse(key, describeIssues(parsed.error));
  const { action } = parsed.data;
  if (action !== 'accept') return { action };
  const content = parsed.data.content ?? {};
  const misfit = checkerOf(params.requestedSchema)(content);
  if (misfit !== undefined) refuse(key, `its content does not fit the requested schema: ${misfit}`);
  return { action, content };
}

function refuse(key: string, why: string): never {
  throw new ToolFailure(
    'INVALID_ANSWER',
    `The answer to ${key} was not taken: ${why}. The question is still open: answer it again.`,
  );
}
