import {
  AudioContentSchema,
  type CallToolResult,
  CallToolResultSchema,
  type ContentBlock,
  EmbeddedResourceSchema,
  ImageContentSchema,
  ResourceLinkSchema,
  TextContentSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { excerpt } from './excerpt.js';
import { isRecord } from './tool-result.js';

/** The blocks of MCP, by their type. */
const BLOCKS: Readonly<Record<string, z.ZodType<ContentBlock>>> = {
  text: TextContentSchema,
  image: ImageContentSchema,
  audio: AudioContentSchema,
  resource_link: ResourceLinkSchema,
  resource: EmbeddedResourceSchema,
};

/** Any answer to a tool call as a tool result: no block is lost because another, or itself, is odd. */
export const toolResultSchema = z.looseObject({}).transform((answer, context): CallToolResult => {
  const { success, data } = CallToolResultSchema.safeParse(answer);
  if (success) return data;
  const { _meta, content, structuredContent, isError, ...rest } = answer;
  if (typeof content === 'number' || typeof content === 'boolean') {
    context.addIssue({ code: 'custom', path: ['content'], message: 'expected a list of content blocks' });
    return z.NEVER;
  }
  return {
    ...rest,
    ...(isRecord(_meta) && { _meta }),
    content: readContent(content),
    ...(structuredContent !== undefined && structuredContent !== null && { structuredContent }),
    ...(Boolean(isError) && isError !== 'false' && { isError: true }),
  } as CallToolResult;
});

function readContent(content: unknown): ContentBlock[] {
  if (content === undefined || content === null) return [];
  return [content].flat().map(readBlock);
}

/** A block that cannot be read as what it claims to be is its JSON; of a type that is not known it stays as it is. */
function readBlock(block: unknown): ContentBlock {
  if (typeof block === 'string') return { type: 'text', text: block };
  const type = isRecord(block) ? block.type : undefined;
  if (typeof type === 'string' && !Object.hasOwn(BLOCKS, type)) return block as ContentBlock;
  const schema = typeof type === 'string' ? BLOCKS[type] : undefined;
  const known = schema && readTolerantly(schema, block).data;
  return known ?? { type: 'text', text: JSON.stringify(block) };
}

/** The same for whoever knows no other blocks than those of MCP. */
export function readKnownBlock(block: unknown): ContentBlock {
  const read = readBlock(block);
  return Object.hasOwn(BLOCKS, read.type) ? read : { type: 'text', text: JSON.stringify(block) };
}

/** What could be read of a foreign value. */
interface Tolerant<Output> {
  /** Undefined where the value has not what the schema requires. */
  readonly data: Output | undefined;
  /** What had to be left out, for a person; null counts as absent and is not told. */
  readonly problems: readonly string[];
}

/** Each round leaves something out; a value that needs more is refused. */
const MAX_ROUNDS = 50;

/** Reads a foreign value without the parts that do not fit the schema, where it does not require them. */
export function readTolerantly<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Tolerant<z.output<Schema>> {
  const problems: string[] = [];
  let rest = value;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { success, data, error } = schema.safeParse(rest);
    if (success) return { data, problems };
    // The last item of a list first: what comes before it keeps its index.
    for (const { path, message } of [...error.issues].reverse()) {
      const found = at(rest, path);
      if (found !== null) problems.push(excerpt(`${path.join('.')}: ${message}`));
      const left = found === undefined ? path.slice(0, -1) : path;
      if (left.length === 0) return { data: undefined, problems };
      rest = without(rest, left);
    }
  }
  return { data: undefined, problems };
}

type Path = readonly PropertyKey[];

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isContainer(inner) && Object.hasOwn(inner, key) ? inner[key as never] : undefined),
    value,
  );
}

function without(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined || !isContainer(value) || !Object.hasOwn(value, key)) return value;
  if (Array.isArray(value)) {
    const index = Number(key);
    return rest.length === 0 ? value.toSpliced(index, 1) : value.with(index, without(value[index], rest));
  }
  if (rest.length > 0) return { ...value, [key]: without(value[key as never], rest) };
  const { [key as never]: _left, ...others } = value;
  return others;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
