import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/sdk/types.js';

/** What a model can take in: text, or a file in base64. */
export type ModelPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'media'; readonly mimeType: string; readonly data: string };

/** A tool result as a model is to see it; structured content without any other is its JSON. */
export function modelParts({ content, structuredContent }: CallToolResult): readonly ModelPart[] {
  if (content.length > 0) return content.map(partOf);
  return structuredContent === undefined ? [] : [{ type: 'text', text: JSON.stringify(structuredContent) }];
}

/** The text of parts that are all text; undefined where there is something else. */
export function onlyText(parts: readonly ModelPart[]): string | undefined {
  const texts = parts.flatMap(part => (part.type === 'text' ? [part.text] : []));
  return texts.length === parts.length ? texts.join('\n') : undefined;
}

function partOf(block: ContentBlock): ModelPart {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text };
    case 'image':
    case 'audio':
      return { type: 'media', mimeType: block.mimeType, data: block.data };
    case 'resource_link':
      return { type: 'text', text: `${block.name}: ${block.uri}` };
    case 'resource': {
      const { resource } = block;
      if ('text' in resource) return { type: 'text', text: resource.text };
      return {
        type: 'media',
        mimeType: resource.mimeType ?? 'application/octet-stream',
        data: resource.blob,
      };
    }
    default:
      // Of a type that this version of MCP does not know.
      return { type: 'text', text: JSON.stringify(block) };
  }
}

/** A tool result as the AI SDK hands it to a model (`ToolResultOutput`). */
export function aiModelOutput(result: CallToolResult) {
  const parts = modelParts(result);
  const text = onlyText(parts);
  if (text !== undefined)
    return { type: result.isError === true ? ('error-text' as const) : ('text' as const), value: text };
  return {
    type: 'content' as const,
    value: parts.map(part => {
      if (part.type === 'text') return part;
      const { mimeType: mediaType, data } = part;
      const type = mediaType.startsWith('image/') ? ('image-data' as const) : ('file-data' as const);
      return { type, mediaType, data };
    }),
  };
}
