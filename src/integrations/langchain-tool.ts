import { createHash } from 'node:crypto';
import { ToolMessage } from '@langchain/core/messages';
import { DynamicStructuredTool, type DynamicStructuredToolInput } from '@langchain/core/tools';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { AgentTool } from '../index.js';
import { type ModelPart, modelParts, onlyText } from './model-parts.js';
import { toolProgress } from './tool-progress.js';

/** What LangChain and LangGraph hand a tool with its arguments, as far as it is used here. */
interface RunConfigLike {
  readonly signal?: AbortSignal;
  readonly toolCall?: { readonly id?: string };
  /** LangGraph's stream writer. */
  readonly writer?: (chunk: unknown) => void;
  readonly configurable?: Readonly<Record<string, unknown>>;
}

/**
 * Models see the server's schema, and the server checks its arguments by it: LangChain's own check refuses all arguments
 * where a schema is of another draft, or refers to what is not there.
 */
class AwaitedTool extends DynamicStructuredTool {
  readonly #unchecked: DynamicStructuredTool;

  constructor(schema: AgentTool['inputSchema'], fields: Omit<DynamicStructuredToolInput, 'schema'>) {
    super({ ...fields, schema } as DynamicStructuredToolInput);
    this.#unchecked = new DynamicStructuredTool({ ...fields, schema: {} } as DynamicStructuredToolInput);
  }

  override call(...parameters: Parameters<DynamicStructuredTool['call']>) {
    return this.#unchecked.call(...parameters);
  }
}

export function langchainTool(tool: AgentTool): DynamicStructuredTool {
  const { name, description = name, inputSchema } = tool;
  return new AwaitedTool(inputSchema, {
    name,
    description,
    responseFormat: 'content_and_artifact',
    async func(args, _runManager, config: RunConfigLike = {}) {
      const { signal, toolCall, writer } = config;
      const result = await tool.call(args, {
        signal,
        idempotencyKey: keyOf(config),
        onUpdate(snapshot) {
          const progress = toolProgress(name, toolCall?.id, snapshot);
          if (progress !== undefined) writer?.(progress);
        },
      });
      return [contentFor(result, name, toolCall?.id), result];
    },
  });
}

/** Names one tool call of one step of a thread, the same when the step is run again from its checkpoint. */
function keyOf({ configurable = {}, toolCall }: RunConfigLike): string | undefined {
  const { thread_id: thread, checkpoint_ns: step = '' } = configurable;
  if (thread === undefined || toolCall?.id === undefined) return undefined;
  const call = JSON.stringify([thread, step, toolCall.id]);
  return `langgraph:${createHash('sha256').update(call).digest('hex')}`;
}

/** A message of its own for an error, since what a function returns is a success to LangChain. */
function contentFor(result: CallToolResult, name: string, callId: string | undefined) {
  const parts = modelParts(result);
  const content = onlyText(parts) ?? parts.map(blockOf);
  if (result.isError !== true || callId === undefined) return content;
  return new ToolMessage({ status: 'error', content, artifact: result, name, tool_call_id: callId });
}

/** The blocks that chat models of LangChain take in a tool's message. */
function blockOf(part: ModelPart) {
  if (part.type === 'text') return { type: 'text' as const, text: part.text };
  const { mimeType, data } = part;
  if (mimeType.startsWith('image/')) {
    return { type: 'image_url' as const, image_url: { url: `data:${mimeType};base64,${data}` } };
  }
  const type = mimeType.startsWith('audio/') ? ('audio' as const) : ('file' as const);
  return { type, source_type: 'base64' as const, mime_type: mimeType, data };
}
