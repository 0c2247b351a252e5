import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { AgentTool, AwaitClient, ToolsOptions } from '../index.js';
import { loadPeer } from '../load-peer.js';
import { aiModelOutput } from './model-parts.js';
import { toolProgress } from './tool-progress.js';

export type { ToolProgress } from './tool-progress.js';

/** What Mastra hands a tool with its arguments, as far as it is used here. */
interface ToolContextLike {
  readonly abortSignal?: AbortSignal | undefined;
  readonly agent?: { readonly toolCallId?: string };
  readonly writer?: { write(chunk: unknown): Promise<unknown> };
}

/** A tool of Mastra's `createTool`. */
export interface MastraToolLike {
  readonly id: string;
  readonly description: string;
  readonly inputSchema: AgentTool['inputSchema'];
  execute(input: Readonly<Record<string, unknown>>, context?: ToolContextLike): Promise<CallToolResult>;
  toModelOutput(result: CallToolResult): unknown;
}

/**
 * The tools of a server for Mastra. A tool's progress goes to the tool's `writer` as `ToolProgress`, its final result is the
 * `CallToolResult`, and `abortSignal` ends its wait.
 * @throws ConfigurationError where `@mastra/core` is not installed
 *
 * @example
 * const agent = new Agent({ id, name, instructions, model, tools: await mastraTools(client) });
 */
export async function mastraTools(
  client: AwaitClient,
  options?: ToolsOptions,
): Promise<Record<string, MastraToolLike>> {
  const { createTool } = await loadPeer(import('@mastra/core/tools'), {
    part: '`mcp-await/mastra`',
    packages: ['@mastra/core'],
  });
  const tools = await client.tools(options);
  return Object.fromEntries(tools.map(tool => [tool.name, createTool(mastraTool(tool))]));
}

function mastraTool(tool: AgentTool): MastraToolLike {
  const { name, description = name, inputSchema } = tool;
  return {
    id: name,
    description,
    inputSchema: unchecked(inputSchema),
    execute: (input, { abortSignal: signal, agent, writer } = {}) =>
      tool.call(input, {
        signal,
        onUpdate(snapshot) {
          const progress = toolProgress(name, agent?.toolCallId, snapshot);
          // Whoever has stopped to read misses nothing.
          if (progress !== undefined) writer?.write(progress).catch(() => {});
        },
      }),
    toModelOutput: aiModelOutput,
  };
}

/**
 * A schema by which models see what a tool takes, and Mastra checks nothing: its own check refuses all arguments where a schema
 * is of another draft, or refers to what is not there. The server checks them (standardschema.dev, version 1).
 */
function unchecked(schema: AgentTool['inputSchema']): AgentTool['inputSchema'] {
  const jsonSchema = () => ({ ...schema });
  const standard = {
    version: 1,
    vendor: 'mcp-await',
    validate: (value: unknown) => ({ value }),
    jsonSchema: { input: jsonSchema, output: jsonSchema },
  };
  return Object.defineProperty({ ...schema }, '~standard', { value: standard });
}
