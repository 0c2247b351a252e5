import type { Tool } from '@strands-agents/sdk';
import type { AwaitClient, ToolsOptions } from '../index.js';
import { loadPeer } from '../load-peer.js';

export type { ToolProgress } from './tool-progress.js';

/**
 * The tools of a server for the Strands Agents SDK. A tool's progress comes as `ToolStreamEvent`s whose `data` is a
 * `ToolProgress`, and cancelling the agent ends its wait.
 * @throws ConfigurationError where `@strands-agents/sdk` is not installed
 *
 * @example
 * const agent = new Agent({ model, tools: await strandsTools(client) });
 */
export async function strandsTools(client: AwaitClient, options?: ToolsOptions): Promise<Tool[]> {
  const { StrandsTool } = await loadPeer(import('./strands-tool.js'), {
    part: '`mcp-await/strands`',
    packages: ['@strands-agents/sdk'],
  });
  return (await client.tools(options)).map(tool => new StrandsTool(tool));
}
