import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ToolSet } from 'ai';
import type { AgentTool, AwaitClient, ToolsOptions } from '../index.js';
import { loadPeer } from '../load-peer.js';
import { aiModelOutput } from './model-parts.js';
import { callWithProgress } from './tool-progress.js';

export type { ToolProgress } from './tool-progress.js';

/**
 * The tools of a server for the Vercel AI SDK (`generateText`, `streamText`, agents). A tool's progress comes as preliminary
 * results of the kind `ToolProgress`, its final result is the `CallToolResult`, and `abortSignal` ends its wait.
 * @throws ConfigurationError where the package `ai` is not installed
 *
 * @example
 * const { text } = await generateText({ model, tools: await aiSdkTools(client), stopWhen: stepCountIs(5), prompt });
 */
export async function aiSdkTools(client: AwaitClient, options?: ToolsOptions): Promise<ToolSet> {
  const ai = await loadPeer(import('ai'), { part: '`mcp-await/ai-sdk`', packages: ['ai'] });
  const tools = await client.tools(options);
  return Object.fromEntries(tools.map(tool => [tool.name, aiSdkTool(tool, ai)]));
}

function aiSdkTool(tool: AgentTool, { dynamicTool, jsonSchema }: typeof import('ai')) {
  const { description, title } = tool;
  return dynamicTool({
    ...(description !== undefined && { description }),
    ...(title !== undefined && { title }),
    inputSchema: jsonSchema(tool.inputSchema as Parameters<typeof jsonSchema>[0]),
    async *execute(input, { toolCallId, abortSignal: signal }) {
      const args = input as Readonly<Record<string, unknown>>;
      yield yield* callWithProgress(tool, { args, toolCallId, signal });
    },
    toModelOutput: ({ output }) => aiModelOutput(output as CallToolResult),
  });
}
