import { z } from 'zod';
import { ConfigurationError } from '../errors.js';
import type { TaskReference } from '../types.js';

const referenceSchema = z.object({
  version: z.literal(1),
  protocol: z.string(),
  tool: z.string(),
  handle: z.unknown(),
  startedAt: z.string(),
});

/** @throws ConfigurationError when the value is no reference of this version */
export function parseReference(value: unknown): TaskReference {
  const parsed = referenceSchema.safeParse(value);
  if (parsed.success) return { ...parsed.data, handle: parsed.data.handle };
  throw new ConfigurationError(
    `This is no task reference of this version: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}. Give the object that \`task.reference\` or an error's \`reference\` held.`,
  );
}
