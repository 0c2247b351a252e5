import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { TaskNotFoundError } from '../../errors.js';
import { builtInPairs } from '../pairs/index.js';
import { isRecord } from '../tool-result.js';
import { type AnswerData, valuesAt } from './answer-data.js';
import { firstToken } from './labels.js';
import { type Pair, pairProfileSchema } from './profile.js';
import { usualHandlePlaces } from './usual-places.js';

export type TaskId = string | number;

/** Of one answer: more would be a list of something else. */
const MOST_IDS = 50;
/** A reference goes into files, logs and command lines. */
const MOST_CHARACTERS = 65_536;

const taskId = z.union([z.string().min(1).max(2000), z.number()]);
const given = z.record(z.string(), z.unknown());

const handleSchema = z.strictObject({
  pair: z.string(),
  ids: z.array(taskId).min(1).max(MOST_IDS),
  /** Arguments of the later calls that were known at the start. */
  status: given.optional(),
  cancel: given.optional(),
  result: given.optional(),
  /** Whether the status tool takes the profile's wait argument. */
  holds: z.boolean().optional(),
  /** A profile that is not built in. */
  profile: pairProfileSchema.optional(),
});

export type PairHandle = Omit<z.output<typeof handleSchema>, 'profile'> & { readonly profile: Pair };

/** A handle as plain JSON. A profile that this program has is only named. */
export function handleOf({ profile, ...handle }: PairHandle): unknown {
  return builtInPairs.includes(profile) ? handle : { ...handle, profile };
}

/** @throws TaskNotFoundError when it is no handle of a pair */
export function readHandle(handle: unknown): PairHandle {
  const parsed = isSmall(handle) ? handleSchema.safeParse(handle).data : undefined;
  const profile = parsed?.profile ?? builtInPairs.find(({ name }) => name === parsed?.pair);
  if (parsed === undefined || profile === undefined) {
    throw new TaskNotFoundError(
      'The reference does not name a known pair of tools; it may come from a newer version of mcp-await.',
    );
  }
  return { ...parsed, profile };
}

/** Whether a handle may go into a reference. */
export function isSmall(handle: unknown): boolean {
  return (JSON.stringify(handle) ?? '').length <= MOST_CHARACTERS;
}

/** The handles in the answer to a start, each once, as the status tool takes them. */
export function idsIn(
  data: AnswerData,
  { start, status }: Pair,
  type: 'string' | 'number' | undefined,
): TaskId[] {
  for (const place of [start.handleAt ?? usualHandlePlaces(status.handleArgument)].flat()) {
    const found = valuesAt(data, place).flat();
    const ids = found.map(value => (typeof place === 'string' ? value : firstToken(String(value))));
    const usable = ids.filter(id => taskId.safeParse(id).success).map(id => typed(id as TaskId, type));
    if (usable.length > 0) return [...new Set(usable)].slice(0, MOST_IDS);
  }
  return [];
}

/** The type of a tool's argument, as its schema tells. */
export function argumentType(tool: Tool | undefined, path: string): 'string' | 'number' | undefined {
  const schema = argumentSchema(tool, path);
  const types = [schema?.type ?? []].flat();
  if (types.includes('string')) return 'string';
  return types.includes('number') || types.includes('integer') ? 'number' : undefined;
}

/** The schema of an argument; undefined where the tool does not list it. */
export function argumentSchema(tool: Tool | undefined, path: string): Record<string, unknown> | undefined {
  let schema: unknown = tool?.inputSchema;
  for (const key of path.split('.')) {
    const properties: unknown = isRecord(schema) ? schema.properties : undefined;
    schema = isRecord(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
  }
  return isRecord(schema) ? schema : undefined;
}

function typed(id: TaskId, type: 'string' | 'number' | undefined): TaskId {
  if (type === 'string') return String(id);
  return type === 'number' && typeof id === 'string' && Number.isFinite(Number(id)) ? Number(id) : id;
}
