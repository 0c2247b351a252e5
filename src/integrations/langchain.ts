import type { DynamicStructuredTool } from '@langchain/core/tools';
import type { AwaitClient, ToolsOptions } from '../index.js';
import { loadPeer } from '../load-peer.js';

export type { ToolProgress } from './tool-progress.js';

/**
 * The tools of a server for LangChain.js and LangGraph (`ToolNode`, `createAgent`, `createReactAgent`). A tool's progress
 * goes to LangGraph's stream writer (`streamMode: 'custom'`) as `ToolProgress`, and the run's signal ends its wait. In a
 * thread with a checkpointer a tool call that is run again after a crash finds its task again.
 * @throws ConfigurationError where `@langchain/core` is not installed
 *
 * @example
 * const agent = createAgent({ model, tools: await langchainTools(client) });
 */
export async function langchainTools(
  client: AwaitClient,
  options?: ToolsOptions,
): Promise<DynamicStructuredTool[]> {
  const { langchainTool } = await loadPeer(import('./langchain-tool.js'), {
    part: '`mcp-await/langchain`',
    packages: ['@langchain/core'],
  });
  return (await client.tools(options)).map(langchainTool);
}
