import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { TaskNotFoundError } from '../../errors.js';
import type { ToolCall } from '../../types.js';
import { builtInPairs } from '../pairs/index.js';
import { argumentSchema, argumentType, takes } from '../tool-definition.js';
import { isRecord } from '../tool-result.js';
import { type AnswerData, collectArguments, valuesAt } from './answer-data.js';
import { findHandle, type SoughtHandle } from './find-handle.js';
import { firstToken } from './labels.js';
import { type Pair, pairProfileSchema } from './profile.js';
import { nounsOf } from './subject.js';

export type TaskId = string | number;

/** Of one answer: more would be a list of something else. */
const MAX_IDS = 50;
/** A reference goes into files, logs and command lines. */
const MAX_CHARACTERS = 65_536;

const taskId = z.union([z.string().min(1).max(2000), z.number()]);
const given = z.record(z.string(), z.unknown());

const currentSchema = z.strictObject({
  pair: z.string(),
  ids: z.array(taskId).min(1).max(MAX_IDS),
  /** Arguments of the later calls that were known at the start. */
  status: given.optional(),
  cancel: given.optional(),
  result: given.optional(),
  /** Whether the status tool takes the profile's wait argument. */
  holds: z.boolean().optional(),
  /** Whether it takes many handles at a time. */
  many: z.boolean().optional(),
  /** A profile that is not built in. */
  profile: pairProfileSchema.optional(),
});

/** Version 0.1 wrote handles of our own server with one `id`. */
const handleSchema = z.preprocess(handle => {
  if (!isRecord(handle) || !('id' in handle)) return handle;
  const { id, ...others } = handle;
  return { ...others, ids: [id] };
}, currentSchema);

export type PairHandle = Omit<z.output<typeof currentSchema>, 'profile'> & { readonly profile: Pair };

/** What handles came to: a wait reads one handle again and again. */
const read = new WeakMap<object, PairHandle>();

/** A handle as plain JSON. A profile that this program has is only named. */
export function handleOf(pairHandle: PairHandle): object {
  const { profile, ...named } = pairHandle;
  const handle = builtInPairs.includes(profile) ? named : pairHandle;
  read.set(handle, pairHandle);
  return handle;
}

/** @throws TaskNotFoundError when it is no handle of a pair */
export function readHandle(handle: unknown): PairHandle {
  const known = read.get(handle as object) ?? parseHandle(handle);
  if (known === undefined) {
    throw new TaskNotFoundError(
      'The reference does not name a known pair of tools; it may come from a newer version of mcp-await.',
    );
  }
  return known;
}

function parseHandle(handle: unknown): PairHandle | undefined {
  const parsed = isSmall(handle) ? handleSchema.safeParse(handle).data : undefined;
  const profile = parsed?.profile ?? builtInPairs.find(({ name }) => name === parsed?.pair);
  if (parsed === undefined || profile === undefined) return undefined;
  const pairHandle = { ...parsed, profile };
  read.set(handle as object, pairHandle);
  return pairHandle;
}

/** Whether a handle may go into a reference. */
export function isSmall(handle: unknown): boolean {
  return (JSON.stringify(handle) ?? '').length <= MAX_CHARACTERS;
}

export interface StatusRequest {
  readonly statusTool: Tool | undefined;
  /** The arguments of the start call. */
  readonly given?: unknown;
}

/** The handles in the answer to a start, each once, as the status tool takes them. */
export function idsIn(data: AnswerData, pair: Pair, { statusTool, given }: StatusRequest): TaskId[] {
  const { start, status } = pair;
  const type = argumentType(statusTool, status.handleArgument);
  if (start.handleAt === undefined)
    return usable(findHandle(data, soughtOf(pair, statusTool, given))?.values ?? [], type);
  for (const place of [start.handleAt].flat()) {
    const found = valuesAt(data, place).flat();
    const values = typeof place === 'string' ? found : found.map(value => firstToken(String(value)));
    const ids = usable(values, type);
    if (ids.length > 0) return ids;
  }
  return [];
}

/** What is looked for as the handle of a pair. */
export function soughtOf(pair: Pair, statusTool: Tool | undefined, given: unknown): SoughtHandle {
  const argument = pair.status.handleArgument;
  const { description } = argumentSchema(statusTool, argument) ?? {};
  return {
    argument,
    description: typeof description === 'string' ? description : '',
    nouns: nounsOf(pair),
    given: valuesIn(given),
  };
}

/** Each once, as a status tool takes them. */
export function usable(values: readonly unknown[], type: 'string' | 'number' | undefined): TaskId[] {
  const ids = new Set<TaskId>();
  for (const value of values) {
    const id = taskId.safeParse(value).data;
    if (type === 'string' && typeof id === 'number') ids.add(String(id));
    else if (type === 'number' && Number.isFinite(Number(id))) ids.add(Number(id));
    else if (id !== undefined) ids.add(id);
  }
  return [...ids].slice(0, MAX_IDS);
}

/** All values of what the caller gave. */
function valuesIn(value: unknown, values = new Set<string>()): ReadonlySet<string> {
  if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) valuesIn(inner, values);
  else if (value !== undefined) values.add(String(value));
  return values;
}

export interface Started {
  readonly call: ToolCall;
  readonly statusTool: Tool | undefined;
}

/** The handle of tasks that were just started, with what later calls need to know of the start. */
export function newHandle(
  ids: readonly TaskId[],
  pair: Pair,
  { call, statusTool, data }: Started & { readonly data: AnswerData },
): unknown {
  const givers = { call: call.arguments, answer: data };
  const { status, cancel, result } = pair;
  const forStatus = status.arguments && collectArguments(status.arguments, givers);
  const forCancel = cancel?.arguments && collectArguments(cancel.arguments, givers);
  const forResult = result && collectArguments(result.arguments, { call: call.arguments });
  return handleOf({
    pair: pair.name,
    profile: pair,
    ids: [...ids],
    ...(forStatus && { status: forStatus }),
    ...(forCancel && { cancel: forCancel }),
    ...(forResult && { result: forResult }),
    ...(status.waitArgument && takes(statusTool, status.waitArgument.name) && { holds: true }),
    ...(status.many && takes(statusTool, status.many.argument) && { many: true }),
  });
}
