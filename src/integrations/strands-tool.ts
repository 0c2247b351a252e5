import {
  ImageBlock,
  type JSONSchema,
  JsonBlock,
  TextBlock,
  Tool,
  type ToolContext,
  ToolResultBlock,
  ToolStreamEvent,
  type ToolStreamGenerator,
} from '@strands-agents/sdk';
import type { AgentTool } from '../index.js';
import { type ModelPart, modelParts } from './model-parts.js';
import { callWithProgress } from './tool-progress.js';

const IMAGE_FORMATS = ['png', 'jpeg', 'gif', 'webp'] as const;

/** One tool of a server. */
export class StrandsTool extends Tool {
  readonly name: string;
  readonly description: string;
  readonly toolSpec: Tool['toolSpec'];
  readonly #tool: AgentTool;

  constructor(tool: AgentTool) {
    super();
    const { name, description = name, inputSchema } = tool;
    this.#tool = tool;
    this.name = name;
    this.description = description;
    this.toolSpec = { name, description, inputSchema: inputSchema as JSONSchema };
  }

  async *stream({ toolUse, cancelSignal: signal }: ToolContext): ToolStreamGenerator {
    const { toolUseId } = toolUse;
    const args = toolUse.input as Readonly<Record<string, unknown>>;
    const call = callWithProgress(this.#tool, { args, toolCallId: toolUseId, signal });
    try {
      for (;;) {
        const step = await call.next();
        if (step.done !== true) {
          yield new ToolStreamEvent({ data: step.value });
          continue;
        }
        const status = step.value.isError === true ? 'error' : 'success';
        return new ToolResultBlock({ toolUseId, status, content: modelParts(step.value).map(blockOf) });
      }
    } finally {
      await call.return(undefined as never);
    }
  }
}

function blockOf(part: ModelPart) {
  if (part.type === 'text') return new TextBlock(part.text);
  const format = IMAGE_FORMATS.find(each => part.mimeType === `image/${each}`);
  if (format === undefined) return new JsonBlock({ json: { mimeType: part.mimeType, data: part.data } });
  return new ImageBlock({ format, source: { bytes: Buffer.from(part.data, 'base64') } });
}
