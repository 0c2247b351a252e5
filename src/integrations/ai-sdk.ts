import { dynamicTool, jsonSchema, type ToolSet } from 'ai';
import type { AgentTool, AwaitClient, ToolsOptions } from '../index.js';
import { callWithProgress } from './call-with-progress.js';
import { modelParts, onlyText } from './model-parts.js';

export type { ToolProgress } from './tool-progress.js';

type DynamicTool = Parameters<typeof dynamicTool>[0];
type ToModelOutput = NonNullable<DynamicTool['toModelOutput']>;
type ModelOutput = Awaited<ReturnType<ToModelOutput>>;

/**
 * The tools of a server for the Vercel AI SDK (`generateText`, `streamText`, agents). A tool's progress comes as preliminary
 * results of the kind `ToolProgress`, its final result is the `CallToolResult`, and `abortSignal` ends its wait.
 *
 * @example
 * const { text } = await generateText({ model, tools: await aiSdkTools(client), stopWhen: stepCountIs(5), prompt });
 */
export async function aiSdkTools(client: AwaitClient, options?: ToolsOptions): Promise<ToolSet> {
  const tools = await client.tools(options);
  return Object.fromEntries(tools.map(tool => [tool.name, aiSdkTool(tool)]));
}

function aiSdkTool(tool: AgentTool) {
  const { description, title } = tool;
  return dynamicTool({
    ...(description !== undefined && { description }),
    ...(title !== undefined && { title }),
    inputSchema: jsonSchema(tool.inputSchema as Parameters<typeof jsonSchema>[0]),
    async *execute(input, { toolCallId, abortSignal: signal }) {
      const args = input as Readonly<Record<string, unknown>>;
      yield yield* callWithProgress(tool, { args, toolCallId, signal });
    },
    toModelOutput: ({ output }) => modelOutput(output as Awaited<ReturnType<AgentTool['call']>>),
  });
}

function modelOutput(result: Awaited<ReturnType<AgentTool['call']>>): ModelOutput {
  const parts = modelParts(result);
  const text = onlyText(parts);
  if (text !== undefined) return { type: result.isError === true ? 'error-text' : 'text', value: text };
  return {
    type: 'content',
    value: parts.map(part => {
      if (part.type === 'text') return part;
      const { mimeType: mediaType, data } = part;
      const type = mediaType.startsWith('image/') ? ('image-data' as const) : ('file-data' as const);
      return { type, mediaType, data };
    }),
  };
}
