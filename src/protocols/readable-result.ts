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
import { readTolerantly } from './tolerant.js';
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
export function readBlock(block: unknown): ContentBlock {
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
