import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { modelParts, onlyText } from './model-parts.js';

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
