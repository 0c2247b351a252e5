import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { MCPServer } from '@openai/agents';
import type { AwaitClient, ToolsOptions } from '../index.js';

type CallResult = Awaited<ReturnType<NonNullable<MCPServer['callToolResult']>>>;
type ListedTool = Awaited<ReturnType<MCPServer['listTools']>>[number];

/**
 * A connected client as an MCP server of the OpenAI Agents SDK. The run's signal ends a tool's wait, where the SDK hands it
 * over (0.20 does); `close()` closes the client.
 *
 * @example
 * const agent = new Agent({ name: 'Baker', mcpServers: [await openaiAgentsServer(client)] });
 */
export async function openaiAgentsServer(client: AwaitClient, options?: ToolsOptions): Promise<MCPServer> {
  const { name = 'mcp-await' } = client.getServerVersion() ?? {};
  // Before an agent runs, so that options which make no sense are heard of.
  await client.tools(options);
  async function callToolResult(
    toolName: string,
    args: Record<string, unknown> | null,
    meta?: Record<string, unknown> | null,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<CallToolResult> {
    const tool = (await client.tools(options)).find(each => each.name === toolName);
    if (tool === undefined) throw new Error(`The server ${name} no longer has a tool ${toolName}.`);
    return tool.call(args ?? {}, { signal, ...(meta && { _meta: meta }) });
  }
  return {
    name,
    // The client keeps the list, and hears when it changes.
    cacheToolsList: false,
    connect: async () => {},
    close: () => client.close(),
    invalidateToolsCache: async () => {},
    listTools: async () => (await client.tools(options)).map(({ call: _call, ...tool }) => listed(tool)),
    callTool: async (...call) => (await callToolResult(...call)).content,
    callToolResult: async (...call) => (await callToolResult(...call)) as CallResult,
  };
}

/** The SDK's type asks for parts of a JSON Schema that MCP leaves open; it fills in what is missing. */
function listed(tool: Tool): ListedTool {
  return tool as ListedTool;
}
