import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import type { JsonSchemaType } from '@modelcontextprotocol/sdk/validation/types.js';

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
