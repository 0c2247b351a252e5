import { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import { protocolByName, protocolOfTasks } from '../../protocols/index.js';
import { handleOf, readHandle } from '../../protocols/pair/handle.js';
import { type Pair, withWords } from '../../protocols/pair/profile.js';
import type { NativeTasks, Protocol } from '../../protocols/protocol.js';
import { toolPair } from '../../protocols/tool-pair.js';
import type { TaskReference } from '../../types.js';

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
    `This is no task reference of this version: ${problemsOf(parsed.error)}. Give the object that \`task.reference\` or an error's \`reference\` held.`,
  );
}

function problemsOf({ issues }: z.ZodError): string {
  const fields = [...new Set(issues.map(({ path }) => path.join('.')))].filter(field => field !== '');
  return fields.length === 0
    ? 'it is no object'
    : `what it has under ${fields.map(field => `\`${field}\``).join(', ')} is missing or of another type`;
}

/**
 * How the task of a reference is awaited. A native task that was started in one revision of MCP is asked about in that
 * which the connection speaks.
 * @throws ConfigurationError when this version does not know the protocol
 */
export function protocolOf(reference: TaskReference, nativeTasks?: NativeTasks): Protocol {
  const protocol = protocolByName(reference.protocol);
  if (protocol?.nativeTasks !== undefined && nativeTasks !== undefined)
    return protocolOfTasks(nativeTasks) ?? protocol;
  if (protocol !== undefined) return protocol;
  throw new ConfigurationError(
    `The reference is of protocol \`${reference.protocol}\`, which this version does not know.`,
  );
}

/** The reference whose task is read with further status words, where it is one of a pair that is told in words. */
export function referenceWithWords(
  reference: TaskReference,
  words: Pair['words'] | undefined,
): TaskReference {
  const { protocol, handle } = reference;
  if (words === undefined || protocol !== toolPair.name) return reference;
  const pairHandle = readHandle(handle);
  return { ...reference, handle: handleOf({ ...pairHandle, profile: withWords(pairHandle.profile, words) }) };
}
