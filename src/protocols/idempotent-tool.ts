import type { Tool } from '@modelcontextprotocol/sdk/types.js';

/** Whether the tool is marked so that a second call does nothing that the first did not. */
export function isMarkedIdempotent({ annotations }: Tool): boolean {
  // spec 2025-11-25, schema, ToolAnnotations: again with the same arguments has no additional effect, also where the first destroys.
  return annotations?.idempotentHint === true || annotations?.readOnlyHint === true;
}
